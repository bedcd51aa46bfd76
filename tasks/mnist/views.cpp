#include <carousel/tasks/mnist/views.hpp>

#include <numeric>

#include <fmt/format.h>

#include <carousel/models/losses/loss.hpp>
#include <carousel/ops/softmax.hpp>

namespace carousel {

namespace {

view::Images::Image picture(const DigitImages& images, Index number, std::string caption) {
  const auto from = images.pixels.begin() + number * image_size;
  return {.width = static_cast<std::size_t>(image_side),
          .pixels = std::vector<std::uint8_t>(from, from + image_size),
          .caption = std::move(caption)};
}

/// Images that are taken for others, the first so many of them.
template <class T>
view::Images wrong_images(const MnistModel<T>& model, const DigitImages& images, Index first, Index last) {
  constexpr std::size_t most_images = 36;
  view::Images wrong;
  Tape<T> tape;
  const NoGrad<T> no_gradient;
  while (first < last && wrong.images.size() < most_images) {
    tape.clear();
    std::vector<Index> numbers(static_cast<std::size_t>(std::min<Index>(100, last - first)));
    std::iota(numbers.begin(), numbers.end(), first);
    const Var<T> chances = softmax(model(model.order().template enter<T>(images, numbers)));
    const T* row = tape.data(chances);
    for (const Index digit : likeliest(chances)) {
      const Index right = images.labels[static_cast<std::size_t>(first)];
      if (digit != right && wrong.images.size() < most_images)
        wrong.images.push_back(picture(
            images, first, fmt::format("{}, taken for {} ({:.0f} %)", right, digit, 100 * static_cast<double>(row[digit]))));
      ++first, row += digit_count;
    }
  }
  return wrong;
}

}  // namespace

template <class T>
void add_mnist_views(Views& views, const MnistModel<T>& model, const DigitImages& images, Index first, Index last) {
  const Confusion confusion = measure(model, images, first, last);
  view::HeatMap map{.x_name = "taken for", .y_name = "digit", .width = digit_count, .values = {}, .numbers = true};
  // Nearly all is on the diagonal: colours are of what is beside it.
  double most = 1;
  for (std::size_t digit = 0; digit < confusion.counts.size(); ++digit) {
    map.columns.push_back(std::to_string(digit)), map.rows.push_back(std::to_string(digit));
    for (std::size_t taken = 0; taken < confusion.counts.size(); ++taken) {
      map.values.push_back(static_cast<double>(confusion.counts[digit][taken]));
      if (taken != digit) most = std::max(most, map.values.back());
    }
  }
  map.high = 1.25 * most;  // the worst of them is not as bright as what is right
  views.add(
      "Which digits it confuses",
      "A row is what an image shows, a column what it was taken for; the diagonal is right, and brighter than the scale. Look "
      "for bright fields beside it: pairs that share strokes, such as 4 and 9, or 3 and 5.",
      std::move(map));
  view::Images wrong = wrong_images(model, images, first, last);
  if (!wrong.images.empty())
    views.add("Digits that it took for others",
              "Would you have read them? Where the net is wrong and sure of it, it has learned something else than you.",
              std::move(wrong));
}

template <class T>
Sample<T> mnist_sample(const MnistModel<T>& model, const MnistOptions& options, const DigitImages& images, Index number,
                       const std::string& cell) {
  const auto used = net_for<T>(cell, model, [&](Registry<T>& registry) {
    MnistOptions other = with_cell(options, cell);
    other.preset = "default";  // the source's start is its cell's
    return MnistModel<T>(registry, other);
  });
  return {.loss =
              [used, &images, number] {
                const Index label = images.labels[static_cast<std::size_t>(number)];
                const Var<T> xs = used->order().template enter<T>(images, std::span(&number, 1));
                return cross_entropy((*used)(xs), std::span(&label, 1));
              },
          .input = {}};
}

#define CAROUSEL_INSTANTIATE(T)                                                                  \
  template void add_mnist_views(Views&, const MnistModel<T>&, const DigitImages&, Index, Index); \
  template Sample<T> mnist_sample(const MnistModel<T>&, const MnistOptions&, const DigitImages&, Index, const std::string&);
CAROUSEL_INSTANTIATE(float)
CAROUSEL_INSTANTIATE(double)
#undef CAROUSEL_INSTANTIATE

}  // namespace carousel
