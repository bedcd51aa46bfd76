#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "job.hpp"

namespace bench {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One turn: milliseconds per run, over enough runs for the clock. What goes before does not count, unless one run takes longer:
/// the first one finds the caches filled by others, and after the pause between two turns it takes the scheduler some ticks to
/// give each thread a core of its own.
double take_turn(const Job& job) {
  constexpr double warm_up = 0.05, turn = 0.01;
  auto start = Clock::now();
  job.run();
  if (const double first = seconds_since(start); first > warm_up) return first * 1e3;
  while (seconds_since(start) < warm_up) job.run();
  start = Clock::now();
  double passed = 0;
  int runs = 0;
  for (; passed < turn; passed = seconds_since(start), ++runs) job.run();
  return passed / runs * 1e3;
}

/// A line of /proc/self/status in bytes.
double memory(const std::string& line_name) {
  std::ifstream file("/proc/self/status");
  for (std::string name; file >> name;) {
    double kilobytes = 0;
    if (name == line_name + ":") {
      file >> kilobytes;
      return kilobytes * 1024;
    }
    file.ignore(1000, '\n');
  }
  return 0;
}

/// The bytes by which the peak of the resident memory grows over the first steps. A step of another size goes before, so that
/// code and thread pools do not count.
double memory_of(const std::function<Job(Size)>& make, Size size) {
  make({2, 2, 4, 4}).run();
  const Job job = make(size);
  const double before = memory("VmRSS");
  std::ofstream("/proc/self/clear_refs") << "5";  // sets the peak to what is resident now
  for (int i = 0; i < 3; ++i) job.run();
  return memory("VmHWM") - before;
}

}  // namespace

int serve(const std::string& about, const Jobs& jobs) {
  std::map<std::string, Job> made;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string question, name;
    Size size;
    words >> question >> name >> size.steps >> size.batch >> size.in >> size.hidden;
    if (question == "about") {
      std::printf("%s", about.c_str());
    } else if (question == "forget") {
      made.clear();
    } else if (jobs.count(name) == 0) {
      return 1;
    } else if (question == "memory") {
      std::printf("%.0f", memory_of(jobs.at(name), size));
    } else {
      const std::string key = line.substr(line.find(' '));
      if (made.count(key) == 0) made[key] = jobs.at(name)(size);
      const Job& job = made[key];
      if (question == "time") {
        std::printf("%.9g", take_turn(job));
      } else if (job.result) {
        job.run();
        for (const double part : job.result()) std::printf("%.9g ", part);
      }
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}

int threads(int argc, char** argv) {
  return argc > 1 ? std::stoi(argv[1]) : 1;
}

}  // namespace bench
