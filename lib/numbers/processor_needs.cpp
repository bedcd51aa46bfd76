#include <carousel/lib/numbers/processor.hpp>

namespace carousel::processor {

// The compiler defines __AVX2__ as 1 where it may use AVX2.
#define CAROUSEL_TEXT_OF(value) #value
#define CAROUSEL_TEXT(macro) CAROUSEL_TEXT_OF(macro)
// clang-format off
#define CAROUSEL_NEED(extension, leaf, subleaf, place, bit, state) \
  Need { #extension, CAROUSEL_TEXT(__##extension##__)[0] == '1', leaf, subleaf, place, bit, state }

namespace {
constexpr int eax = 0, ebx = 1, ecx = 2, edx = 3;
constexpr unsigned none = 0, ymm = 0x6, zmm = 0xe6;
constexpr unsigned amd = 0x80000001;
}  // namespace

// The best known first: a message names no more than a few.
constinit const Need needs[] = {
    CAROUSEL_NEED(AVX, 1, 0, ecx, 28, ymm),
    CAROUSEL_NEED(AVX2, 7, 0, ebx, 5, ymm),
    CAROUSEL_NEED(FMA, 1, 0, ecx, 12, ymm),
    CAROUSEL_NEED(AVX512F, 7, 0, ebx, 16, zmm),
    CAROUSEL_NEED(SSE3, 1, 0, ecx, 0, none),
    CAROUSEL_NEED(PCLMUL, 1, 0, ecx, 1, none),
    CAROUSEL_NEED(SSSE3, 1, 0, ecx, 9, none),
    CAROUSEL_NEED(SSE4_1, 1, 0, ecx, 19, none),
    CAROUSEL_NEED(SSE4_2, 1, 0, ecx, 20, none),
    CAROUSEL_NEED(MOVBE, 1, 0, ecx, 22, none),
    CAROUSEL_NEED(POPCNT, 1, 0, ecx, 23, none),
    CAROUSEL_NEED(AES, 1, 0, ecx, 25, none),
    CAROUSEL_NEED(F16C, 1, 0, ecx, 29, ymm),
    CAROUSEL_NEED(BMI, 7, 0, ebx, 3, none),
    CAROUSEL_NEED(BMI2, 7, 0, ebx, 8, none),
    CAROUSEL_NEED(LZCNT, amd, 0, ecx, 5, none),
    CAROUSEL_NEED(SSE4A, amd, 0, ecx, 6, none),
    CAROUSEL_NEED(XOP, amd, 0, ecx, 11, ymm),
    CAROUSEL_NEED(FMA4, amd, 0, ecx, 16, ymm),
    CAROUSEL_NEED(TBM, amd, 0, ecx, 21, none),
    CAROUSEL_NEED(ADX, 7, 0, ebx, 19, none),
    CAROUSEL_NEED(SHA, 7, 0, ebx, 29, none),
    CAROUSEL_NEED(GFNI, 7, 0, ecx, 8, none),
    CAROUSEL_NEED(VAES, 7, 0, ecx, 9, ymm),
    CAROUSEL_NEED(VPCLMULQDQ, 7, 0, ecx, 10, ymm),
    CAROUSEL_NEED(MOVDIRI, 7, 0, ecx, 27, none),
    CAROUSEL_NEED(MOVDIR64B, 7, 0, ecx, 28, none),
    CAROUSEL_NEED(AVX512DQ, 7, 0, ebx, 17, zmm),
    CAROUSEL_NEED(AVX512IFMA, 7, 0, ebx, 21, zmm),
    CAROUSEL_NEED(AVX512CD, 7, 0, ebx, 28, zmm),
    CAROUSEL_NEED(AVX512BW, 7, 0, ebx, 30, zmm),
    CAROUSEL_NEED(AVX512VL, 7, 0, ebx, 31, zmm),
    CAROUSEL_NEED(AVX512VBMI, 7, 0, ecx, 1, zmm),
    CAROUSEL_NEED(AVX512VBMI2, 7, 0, ecx, 6, zmm),
    CAROUSEL_NEED(AVX512VNNI, 7, 0, ecx, 11, zmm),
    CAROUSEL_NEED(AVX512BITALG, 7, 0, ecx, 12, zmm),
    CAROUSEL_NEED(AVX512VPOPCNTDQ, 7, 0, ecx, 14, zmm),
    CAROUSEL_NEED(AVX512VP2INTERSECT, 7, 0, edx, 8, zmm),
    CAROUSEL_NEED(AVX512FP16, 7, 0, edx, 23, zmm),
    CAROUSEL_NEED(AVXVNNI, 7, 1, eax, 4, ymm),
    CAROUSEL_NEED(AVX512BF16, 7, 1, eax, 5, zmm),
    CAROUSEL_NEED(AVXIFMA, 7, 1, eax, 23, ymm),
    CAROUSEL_NEED(AVXVNNIINT8, 7, 1, edx, 4, ymm),
    CAROUSEL_NEED(AVXNECONVERT, 7, 1, edx, 5, ymm),
    CAROUSEL_NEED(AVXVNNIINT16, 7, 1, edx, 10, ymm),
};
// clang-format on
constinit const int need_count = sizeof needs / sizeof *needs;

}  // namespace carousel::processor
