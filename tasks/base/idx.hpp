#pragma once
/// Files in the IDX form, in which MNIST comes: arrays of numbers behind a short header.

#include <cstdint>
#include <string>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// An array of bytes, row by row.
struct IdxBytes {
  Shape shape;
  std::vector<std::uint8_t> values;
};

/// Reads an IDX file of unsigned bytes with `rank` axes: the bytes 0, 0, 8 (the type), rank; each extent in four bytes, the
/// highest first; the values. A file that is gzipped, which shows by how it begins, is unzipped on the way; one whose name ends
/// with .gz must be. LeCun, Cortes, Burges 1998, "The MNIST database of handwritten digits", section "File formats".
///
/// Throws std::runtime_error, `read PATH: …`, for a file that cannot be read, is not of this form, does not hold as many values
/// as its header says, or more than 2^30, or is not what its gzip checksum says.
IdxBytes read_idx(const std::string& path, int rank);
/// Whether a file begins as an IDX file does, gzipped or not. Throws std::runtime_error for one that cannot be read.
bool begins_as_idx(const std::string& path);

}  // namespace carousel
