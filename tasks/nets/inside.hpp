#pragma once
/// Views into a net that reads a sample: its gates and states, step by step, and the gradient on its way back through time. Made
/// for every task that gives a sample.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/tape/parameter.hpp>
#include <carousel/lib/tape/tape.hpp>
#include <carousel/tasks/drawing/views.hpp>

namespace carousel {

/// A short sequence to look into a net with, and the net.
template <class T>
struct Sample {
  /// Records its loss on the active tape; called as often as one likes, under no_grad too. Where a task has a loss at every step,
  /// that of the last one alone: then gradients show how far back it reaches.
  std::function<Var<T>()> loss;
  std::vector<std::string> input;      ///< what the net reads in each step, in a word: "a", "0.25", "row 3"; "0.25*": marked
  std::vector<std::string> made = {};  ///< and what is right in each step of a part "decoder", which gets it in the next
  std::string about = {};              ///< a sentence that says which one it is, where others are shown
};

/// The sample for the trained net, or, with the name of a cell, for an untrained one that differs in nothing but its cell.
template <class T>
using SampleFunction = std::function<Sample<T>(const std::string& cell)>;

/// Whether what a cell marks by this name is a gate, a number of 0 to 1 for each unit: i, f, o, r, z.
bool is_gate(std::string_view name);

/// The trained net where `cell` is empty, else one that make(registry) makes, with parameters of its own.
template <class T, class Net, class Make>
std::shared_ptr<const Net> net_for(const std::string& cell, const Net& trained, Make make) {
  if (cell.empty()) return {std::shared_ptr<void>(), &trained};
  struct Own {
    Registry<T> registry;
    Net net;
    explicit Own(Make& make) : net(make(registry)) {}
  };
  const auto own = std::make_shared<Own>(make);
  return {own, &own->net};
}
/// The same options with another cell.
template <class Options>
Options with_cell(Options options, const std::string& cell) {
  options.cell = cell;
  return options;
}

/// Adds gates and states over the sample, and the norm of ∂L/∂h at each step beside that in untrained nets of rnn-tanh and lstm.
///   cell: that of the trained net
template <class T>
void add_inside_views(Views& views, const SampleFunction<T>& sample, const std::string& cell);

extern template void add_inside_views(Views&, const SampleFunction<float>&, const std::string&);
extern template void add_inside_views(Views&, const SampleFunction<double>&, const std::string&);

}  // namespace carousel
