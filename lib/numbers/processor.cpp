#include <carousel/lib/numbers/processor.hpp>

#if defined(__x86_64__)
#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#endif

namespace carousel::processor {

bool asked = false;

#if defined(__x86_64__)
namespace {

/// A line in memory of its own, cut where that ends.
struct Line {
  char text[512];
  size_t length = 0;

  void add(const char* part) {
    for (; *part && length + 2 < sizeof text; ++part) text[length++] = *part;
  }
};

/// The registers whose contents the system saves: without them their instructions are not to be used.
unsigned saved_state() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
  asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  return a;
}

bool has(const Need& need, unsigned state) {
  unsigned registers[4] = {};
  return __get_cpuid_count(need.leaf, need.subleaf, &registers[0], &registers[1], &registers[2], &registers[3]) &&
         (registers[need.place] >> need.bit & 1U) && (need.state & ~state) == 0;
}

/// What the processor calls itself, with no blanks around.
void add_name(Line& line) {
  constexpr unsigned first = 0x80000002;
  unsigned words[13] = {};
  for (unsigned i = 0; i < 3; ++i)
    if (!__get_cpuid(first + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2], &words[4 * i + 3])) return;
  char name[sizeof words];
  memcpy(name, words, sizeof words);
  size_t end = strlen(name), begin = 0;
  while (name[begin] == ' ') ++begin;
  while (end > begin && name[end - 1] == ' ') --end;
  name[end] = 0;
  if (begin == end) return;
  line.add(" (");
  line.add(name + begin);
  line.add(")");
}

/// Before the initialisers of all other sources, which may use what is not there.
[[gnu::constructor(101)]] void ask() {
  asked = true;
  const unsigned state = saved_state();
  Line line;
  int missing = 0;
  constexpr int named = 4;
  for (int i = 0; i < need_count; ++i) {
    const Need& need = needs[i];
    if (!need.needed || has(need, state)) continue;
    if (missing == 0) {
      line.add(program_invocation_short_name);
      line.add(": this processor");
      add_name(line);
      line.add(" has no ");
    }
    if (missing > 0 && missing < named) line.add(", ");
    if (missing == named) line.add(", …");
    if (missing < named) line.add(need.name);
    ++missing;
  }
  if (missing == 0) return;
  line.add(", which the program was compiled for; compile it on this machine, or with another -march");
  line.text[line.length++] = '\n';
  if (write(STDERR_FILENO, line.text, line.length) < 0) _exit(2);
  _exit(2);
}

}  // namespace
#endif

}  // namespace carousel::processor
