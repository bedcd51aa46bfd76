#include <carousel/tasks/nets/inside.hpp>

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include <carousel/lib/look/watch.hpp>

namespace carousel {

namespace {

/// What cells mark, in the order of the page.
constexpr std::string_view gate_names[] = {"i", "f", "o", "g", "r", "z", "n", "c", "h"};

/// The numbers of one layer in one direction, steps in a row.
template <class T>
std::vector<const Watched<T>*> steps_of(const Recorder<T>& recorder, std::string_view name, const Place& place) {
  std::vector<const Watched<T>*> steps;
  for (const Watched<T>* one : recorder.of(name, place))
    if (one->place.step == static_cast<Index>(steps.size())) steps.push_back(one);  // what was computed twice counts once
  return steps;
}

std::string words(const Place& place) {
  return fmt::format("layer {}{}", place.layer + 1, place.backward ? ", backward in time" : "");
}

/// The places of a part where states were heard, layer by layer.
template <class T>
std::vector<Place> places_of(const Recorder<T>& recorder, std::string_view part) {
  std::vector<Place> places;
  for (const Watched<T>& one : recorder.all()) {
    Place place = one.place;
    place.step = 0;
    if (place.part == part && one.name == "h" && std::find(places.begin(), places.end(), place) == places.end())
      places.push_back(place);
  }
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.layer < b.layer; });
  return places;
}

/// The largest size, 1 or more; but where that is far beyond what all but a hundredth lie within, this: a few numbers must not
/// make all others pale.
double usual_size(std::vector<double> numbers) {
  for (double& number : numbers) number = std::abs(number);
  const auto at = numbers.end() - 1 - static_cast<std::ptrdiff_t>(numbers.size() / 100);
  std::nth_element(numbers.begin(), at, numbers.end());
  const double most = *std::max_element(at, numbers.end());
  return std::max(1.0, most > 1.5 * *at ? *at : most);
}

/// Numbers of a rectifier: none is below 0, and some are 0.
bool is_rectified(const std::vector<double>& numbers) {
  return *std::min_element(numbers.begin(), numbers.end()) == 0;
}

template <class T>
view::Gates::Map map_of(std::string_view name, const Place& place, const std::vector<const Watched<T>*>& steps) {
  view::Gates::Map map{.name = std::string(name), .place = words(place), .values = {}};
  const auto units = static_cast<std::size_t>(shape_of(steps.front()->value).back());
  for (const Watched<T>* step : steps)
    for (std::size_t n = 0; n < units; ++n)
      map.values.push_back(static_cast<double>(step->value.data()[n]));  // the first example
  map.units = units;
  if (is_gate(name)) return map;
  map.high = usual_size(map.values);
  if (!is_rectified(map.values)) map.low = -map.high;
  return map;
}

/// As many words as there are steps; steps without a word are numbered.
std::vector<std::string> words_for(std::size_t steps, std::vector<std::string> given) {
  for (std::size_t t = given.size(); t < steps; ++t) given.push_back(fmt::format("{}", t + 1));
  given.resize(steps);
  return given;
}

template <class T>
void add_gates(Views& views, const Sample<T>& sample, const std::string& cell) {
  Tape<T> tape;
  const NoGrad<T> no_gradient;
  Recorder<T> recorder;
  static_cast<void>(sample.loss());
  std::vector<std::string_view> parts;
  for (const Watched<T>& one : recorder.all())
    if (std::find(parts.begin(), parts.end(), one.place.part) == parts.end()) parts.push_back(one.place.part);
  for (const std::string_view part : parts) {
    view::Gates gates;
    bool has_gates = false, has_forget_gate = false, has_rectifiers = false;
    std::size_t numbers = 0;
    constexpr std::size_t most_numbers = 1000000;  // of a page that is sent by mail
    for (const Place& place : places_of(recorder, part))
      for (const std::string_view name : gate_names) {
        const auto steps = steps_of(recorder, name, place);
        if (steps.empty()) continue;
        if (gates.input.empty()) gates.input = words_for(steps.size(), part == "decoder" ? sample.made : sample.input);
        view::Gates::Map map = map_of<T>(name, place, steps);
        if (steps.size() != gates.input.size() || (numbers += map.values.size()) > most_numbers) continue;
        has_gates = has_gates || is_gate(name);
        has_forget_gate = has_forget_gate || name == "f";
        has_rectifiers = has_rectifiers || (!is_gate(name) && is_rectified(map.values));
        gates.maps.push_back(std::move(map));
      }
    if (gates.maps.empty()) continue;
    std::string title = has_gates ? "Gates over a sample" : "States over a sample";
    if (parts.size() > 1) title += part.empty() ? ": the part that reads" : fmt::format(": the {}", part);
    const std::vector<std::string>& said = part == "decoder" ? sample.made : sample.input;
    std::string what_they_do =
        has_forget_gate ? "Where a forget gate stays bright its cell keeps what it has, where an input gate is dark nothing new "
                          "gets in."
        : has_gates ? fmt::format("Gates are bright where they are open: carousel explain {} says what each lets through.", cell)
        : has_rectifiers ? "This cell has no gates: every step writes over all of it. A unit that is 0 lets no gradient "
                           "through; one that is 0 at every step of every sample is dead."
                         : "This cell has no gates: every step writes over all of it. Units that stay at −1 or 1 are "
                           "saturated and let no gradient through.";
    if (has_gates && !said.empty()) what_they_do += " Look for units that change exactly where the input does.";
    if (has_gates) what_they_do += " One that is the same everywhere does no work.";
    const char* const below = said.empty() ? "the number of the step"
                              : part == "decoder"
                                  ? "the right symbol of each step; the decoder is given the one before it, and is to say it"
                                  : "what was read";
    views.add(std::move(title),
              fmt::format("{}{}A row is a unit, a column a step; underneath stands {}. {}", sample.about,
                          sample.about.empty() ? "" : " ", below, what_they_do),
              std::move(gates));
  }
}

/// ‖∂L/∂h‖ at each step, of the layer at the top of the part that reads.
template <class T>
std::vector<double> gradient_norms(const Sample<T>& sample) {
  Tape<T> tape;
  Recorder<T> recorder({.gradients = true});
  tape.backward(sample.loss(), Gradients::keep);
  recorder.read_gradients();
  Place top;
  if (!recorder.all().empty()) top.part = recorder.all().front().place.part;
  for (const Place& place : places_of(recorder, top.part)) top.layer = std::max(top.layer, place.layer);
  std::vector<double> norms;
  for (const Watched<T>* step : steps_of(recorder, "h", top)) {
    double sum = 0;
    for (const T x : step->gradient) sum += static_cast<double>(x) * static_cast<double>(x);
    norms.push_back(std::sqrt(sum));
  }
  return norms;
}

template <class T>
void add_gradients(Views& views, const Sample<T>& trained, const SampleFunction<T>& sample, const std::string& cell) {
  Chart chart{.title = "",
              .x_name = trained.input.empty() ? "step" : "what was read, step by step",
              .y_name = "norm of the gradient, ‖∂L/∂h‖",
              .lines = {},
              .x_words = {},
              .log_y = true};
  const auto add = [&](const std::string& name, const Sample<T>& of, std::size_t colour) {
    ChartLine line{.name = name, .x = {}, .y = gradient_norms(of), .dashed = colour != net_colour, .colour = colour};
    for (std::size_t t = 0; t < line.y.size(); ++t) line.x.push_back(static_cast<double>(t));
    if (!line.y.empty()) chart.lines.push_back(std::move(line));
  };
  add("rnn-tanh, untrained", sample("rnn-tanh"), net_colour + 2);
  add("lstm, untrained", sample("lstm"), net_colour + 1);
  add(fmt::format("{}, trained", cell), trained, net_colour);
  if (chart.lines.empty()) return;
  chart.x_words = words_for(chart.lines.back().y.size(), trained.input);
  std::string left;
  for (const ChartLine& line : chart.lines)
    if (line.y.back() > 0)
      left += fmt::format("{}{} {:.2g}", left.empty() ? "" : "; ", line.name, line.y.front() / line.y.back());
  views.add("Gradient through time",
            "How much the loss would change with the state at each step; read it from right to left. A line that falls steadily "
            "on this logarithmic scale is a vanishing gradient: what stood there can hardly be learned. One that rises steadily "
            "explodes, a level one is carried: by the carousel of an LSTM, or past the steps by attention. A trained net also "
            "forgets on purpose. " +
                (left.empty() ? left : "The gradient at the first step, divided by that at the last: " + left + "."),
            std::move(chart));
}

}  // namespace

bool is_gate(std::string_view name) {
  return name == "i" || name == "f" || name == "o" || name == "r" || name == "z";
}

template <class T>
void add_inside_views(Views& views, const SampleFunction<T>& sample, const std::string& cell) {
  const Sample<T> trained = sample("");
  add_gates(views, trained, cell);
  add_gradients(views, trained, sample, cell);
}

template void add_inside_views(Views&, const SampleFunction<float>&, const std::string&);
template void add_inside_views(Views&, const SampleFunction<double>&, const std::string&);

}  // namespace carousel
