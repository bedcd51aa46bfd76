#pragma once
/// The processor that a program was compiled for, and the one that it meets: it says so in a line and ends with code 2 where that
/// lacks instructions, before any of them could end it by SIGILL. It ends the whole process, also where a program loads the
/// library.
///
/// `needs` is data, of a source that is compiled as the whole library is; what compares runs before other initialisers, and is
/// compiled for the oldest processor. No header of C++ may stand in it: the linker keeps one copy of an inline function, which
/// may be one with new instructions.

namespace carousel::processor {

/// Where CPUID says that an extension is there.
struct Need {
  const char* name;
  bool needed;
  unsigned leaf, subleaf;
  int place;       // 0 … 3: EAX, EBX, ECX, EDX
  unsigned bit;    // of it
  unsigned state;  // of registers that the system must save, as bits of XCR0
};

extern const Need needs[];
extern const int need_count;

/// Set when the processor has been asked; whoever refers to it has it asked.
extern bool asked;

}  // namespace carousel::processor
