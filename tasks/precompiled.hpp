/// What the files of the program include most, compiled once.

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <carousel/carousel.hpp>
