#pragma once
/// The program: its commands, and what its command line says.

#include <string>
#include <vector>

namespace carousel {

/// Runs the program with these arguments, its own name not among them; returns the exit code.
int run_program(const std::vector<std::string>& arguments);

}  // namespace carousel
