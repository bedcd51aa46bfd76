#pragma once
/// Event files, as TensorBoard reads them: numbers, histograms, images and texts by step.
///
///     EventFile events("runs/sin", 0);
///     events.scalars(1, {{"step/loss", 0.7}, {"step/rate", 1e-3}});
///     events.histogram(100, "parameters/cell/wx", values);
///     events.text(0, "configuration", "| cell | lstm |");
///
/// Such a file is a row of records, each with its length and check sums before and behind it, as TensorFlow's TFRecord has them:
///
///     length: 8 bytes | masked CRC-32C of these 8 | length bytes | masked CRC-32C of them            (all little-endian)
///
/// A record is a protocol buffer, an Event of tensorboard/compat/proto/event.proto: a time, a step, and a Summary of named
/// values. The few fields that are needed are written by hand here, so that no protobuf is needed to build or to run.
/// A slash in a name makes groups in TensorBoard.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/files/file.hpp>
#include <carousel/lib/numbers/shape.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/drawing/image.hpp>

namespace carousel {

/// The check sum CRC-32C (Castagnoli; RFC 3720, appendix B.4): of "123456789" it is 0xE3069283.
std::uint32_t crc32c(std::string_view bytes);
/// As records hold it, so that a check sum of bytes with check sums among them is as good as any: turned right by 15 bits, plus
/// 0xA282EAD8.
std::uint32_t masked_crc32c(std::string_view bytes);

/// How many values lie where. Bucket i counts those from limit[i − 1] on (the first: from −DBL_MAX on) to below limit[i].
struct Histogram {
  double min = 0, max = 0, count = 0, sum = 0, sum_of_squares = 0;
  std::vector<double> limit, bucket;

  /// Of the values that are finite, with TensorFlow's limits: 0 and ± 1e-12 · 1.1^k up to 1e20, then DBL_MAX. Empty buckets in a
  /// row are one.
  template <class T>
  static Histogram of(std::span<const T> values);
};

/// A file events.out.tfevents.SECONDS.carousel that grows by a record at a time. Errors are std::runtime_error, `write PATH: …`;
/// where the disk was full, the file ends with the last record that is whole.
class EventFile {
 public:
  /// Makes a new one, which by its name comes after those that are in the folder. `steps_done`: what those say of later steps
  /// counts no more, because a training goes on from there (a SessionLog of the status START, at the step after it).
  EventFile(const std::string& folder, Index steps_done);

  /// One number for each name; NaN and infinities too.
  void scalars(Index step, std::span<const Metric> numbers);
  void histogram(Index step, std::string_view name, const Histogram& histogram);
  /// An image, with what it shows, in Markdown.
  void image(Index step, std::string_view name, const GreyImage& image, std::string_view description = "");
  void image(Index step, std::string_view name, const ColourImage& image, std::string_view description = "");
  /// A text in Markdown.
  void text(Index step, std::string_view name, std::string_view markdown);

  const std::string& path() const { return file_.path(); }

 private:
  void record(const std::string& event);
  template <class Image>
  void add_image(Index step, std::string_view name, const Image& image, std::uint64_t channels, std::string_view description);

  GrowingFile file_;
};

/// Whether the folder has files of this kind.
bool has_event_files(const std::string& folder);

/// As Markdown that shows each character as it is.
std::string as_code_block(std::string_view text);

}  // namespace carousel
