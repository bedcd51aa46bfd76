#include <carousel/tasks/mnist/model.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include <carousel/models/sequence/scan.hpp>
#include <carousel/ops/arrange.hpp>
#include <carousel/ops/dropout.hpp>
#include <carousel/ops/shape.hpp>
#include <carousel/tasks/nets/numpy_start.hpp>

namespace carousel {

template <class T>
MnistModel<T>::MnistModel(Registry<T>& registry, const MnistOptions& options)
    : MnistModel(registry, options, Random(static_cast<std::uint64_t>(options.seed))) {
  if (options.preset == "source") start_as_source(registry, static_cast<std::uint32_t>(options.seed));
}

template <class T>
MnistModel<T>::MnistModel(Registry<T>& registry, const MnistOptions& options, Random random)
    : order_(options.order()),
      dropout_(options.dropout),
      readout_(Scope<T>(registry, random) / "readout", options.bidirectional ? 2 * options.hidden : options.hidden, digit_count,
               {.bias = options.preset != "source"}) {
  Index in = order_.features();
  for (Index layer = 0; layer < options.layers; ++layer) {
    const Scope<T> place = Scope<T>(registry, random) / fmt::format("layer{}", layer);
    forward_.push_back(make_cell(options.cell, place / "forward", in, options.hidden));
    if (options.bidirectional) backward_.push_back(make_cell(options.cell, place / "backward", in, options.hidden));
    in = options.bidirectional ? 2 * options.hidden : options.hidden;
  }
}

template <class T>
void MnistModel<T>::start_as_source(Registry<T>& registry, std::uint32_t seed) {
  if constexpr (std::is_same_v<T, double>) {
    NumpyRandom random(seed);
    for (const Parameter<T>& parameter : registry) {
      const std::string& path = parameter.path;
      if (!path.ends_with("/wh") || parameter.shape()[1] != 4 * parameter.shape()[0]) continue;
      random = start_with_equal_gates(registry, path.substr(0, path.size() - 3), seed);
    }
    Parameter<T>& v = *readout_.w;
    const double deviation = 1 / std::sqrt(static_cast<double>(v.shape()[0]));
    std::ranges::generate(v.change(), [&] { return random.normal(0, deviation); });
  } else {
    wrong_argument("mnist: preset source in float: must be in double, as the original is");
  }
}

template <class T>
Var<T> MnistModel<T>::operator()(Var<T> x, const std::optional<DropoutKey>& key) const {
  const auto dropped = [&](Var<T> values, std::size_t place, int batch_axis) {
    if (!key) return values;
    DropoutKey here = *key;
    here.place = place;
    here.batch_axis = batch_axis;
    return dropout(values, dropout_, here);
  };
  for (std::size_t layer = 0;; ++layer) {
    const At<T> here(&Place::layer, static_cast<Index>(layer));
    const bool at_top = layer + 1 == forward_.size();
    Var<T> hs = scan(forward_[layer], x), end = last(hs);
    if (!backward_.empty()) {
      const Var<T> back = scan(backward_[layer], x, ScanOptions{.reverse = true});
      if (at_top)
        end = concat({end, at(back, 0, 0)}, -1);
      else
        hs = concat({hs, back}, -1);
    }
    if (at_top) return readout_(dropped(end, layer, 0));
    x = dropped(hs, layer, 1);
  }
}

Index Confusion::right() const {
  Index sum = 0;
  for (std::size_t digit = 0; digit < counts.size(); ++digit) sum += counts[digit][digit];
  return sum;
}

Index Confusion::all() const {
  Index sum = 0;
  for (const auto& row : counts) sum = std::accumulate(row.begin(), row.end(), sum);
  return sum;
}

std::string text(const Confusion& confusion) {
  std::string table = "digit";
  for (Index digit = 0; digit < digit_count; ++digit) table += fmt::format(" {:>5}", fmt::format("as {}", digit));
  for (std::size_t digit = 0; digit < confusion.counts.size(); ++digit) {
    table += fmt::format("\n{:>5}", digit);
    for (const Index count : confusion.counts[digit]) table += fmt::format(" {:>5}", count);
  }
  return table;
}

template <class T>
std::vector<Index> likeliest(Var<T> logits) {
  const T* row = Tape<T>::active().data(logits);
  std::vector<Index> digits(static_cast<std::size_t>(logits.shape()[0]));
  for (Index& digit : digits) {
    digit = std::max_element(row, row + digit_count) - row;
    row += digit_count;
  }
  return digits;
}

template <class T>
std::vector<DigitReading> read_images(const MnistModel<T>& model, const DigitImages& images, Index first, Index last) {
  Tape<T> tape;
  const NoGrad<T> no_gradient;
  std::vector<DigitReading> readings;
  while (first < last) {
    tape.clear();
    std::vector<Index> numbers(static_cast<std::size_t>(std::min<Index>(100, last - first)));
    std::iota(numbers.begin(), numbers.end(), first);
    first += std::ssize(numbers);
    const Var<T> logits = model(model.order().template enter<T>(images, numbers));
    const T* row = tape.data(logits);
    for (const Index digit : likeliest(logits)) {
      double sum = 0;  // of the chances of all digits, that of the likeliest being 1
      for (Index k = 0; k < digit_count; ++k) sum += std::exp(static_cast<double>(row[k] - row[digit]));
      readings.push_back({digit, 1 / sum});
      row += digit_count;
    }
  }
  return readings;
}

template <class T>
Confusion measure(const MnistModel<T>& model, const DigitImages& images, Index first, Index last,
                  std::vector<DigitReading>* readings) {
  std::vector<DigitReading> found = read_images(model, images, first, last);
  Confusion confusion;
  for (const DigitReading& reading : found)
    ++confusion.counts[images.labels[static_cast<std::size_t>(first++)]][static_cast<std::size_t>(reading.digit)];
  if (readings) *readings = std::move(found);
  return confusion;
}

template class MnistModel<float>;
template class MnistModel<double>;
template std::vector<Index> likeliest(Var<float>);
template std::vector<Index> likeliest(Var<double>);
template std::vector<DigitReading> read_images(const MnistModel<float>&, const DigitImages&, Index, Index);
template std::vector<DigitReading> read_images(const MnistModel<double>&, const DigitImages&, Index, Index);
template Confusion measure(const MnistModel<float>&, const DigitImages&, Index, Index, std::vector<DigitReading>*);
template Confusion measure(const MnistModel<double>&, const DigitImages&, Index, Index, std::vector<DigitReading>*);

}  // namespace carousel
