/// What the files of the program include most, compiled once.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <carousel/carousel.hpp>
