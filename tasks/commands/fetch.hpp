#pragma once
/// Public data sets, fetched by the programs curl and sha256sum.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace carousel {

/// A file as its publishers gave it out.
struct PublicFile {
  std::string name;  ///< at the end of its URL
  std::string path;  ///< in a folder of data sets: "mnist/train-images-idx3-ubyte.gz"
  std::uint64_t bytes;
  std::string sha256;
};

/// Files that belong together, all at one place.
struct PublicSet {
  std::string name;
  std::string about;  ///< one line: what it is, whose it is
  std::string from;   ///< URL of the folder that they are in, with a slash at its end
  std::string use;    ///< a command line that learns from it
  std::vector<PublicFile> files;
};

/// Those that `carousel data fetch` knows.
const std::vector<PublicSet>& public_sets();

/// Gets the file at `url` to `path`, which is there, whole, or not there: what has arrived waits in PATH.part until its size and
/// check sum are right. A part that lies there already is gone on with, where the server can do that. `arrived` gets the number
/// of bytes that are there, now and then. False after interrupted(); the part is kept then. Throws std::runtime_error, one line,
/// for a server that cannot be reached, has no such file or another one, breaks off (the part is kept), a full disk, and where
/// curl is not installed.
bool fetch_file(const PublicFile& file, const std::string& url, const std::string& path,
                const std::function<void(std::uint64_t)>& arrived = {});

/// Gets all files of a set that the folder `to` does not have; what it has stays as it is. Throws as fetch_file() does. Returns
/// an exit code.
int fetch_set(const PublicSet& set, const std::string& to, const std::string& from, bool quiet);

}  // namespace carousel
