#include <carousel/models/decoding/attention.hpp>

#include "case.hpp"

namespace carousel::compare {

namespace {

/// Two looks back of one form, whose parameters are inputs of the case.
template <class Attention>
void compare_attention(Case& with, Registry<double>& registry, const Attention& attention) {
  std::vector<Index> lengths;
  if (with.has("in.lengths")) lengths = with.integers("in.lengths");
  for (Parameter<double>& p : registry) p.set(with.tensor("in." + p.path));

  Tape<double> tape;
  const Var<double> states = tape.variable(with.tensor("in.states"));
  const Memory<double> memory = attention.remember(states, lengths);
  std::vector<std::pair<std::string, Var<double>>> queries, outputs;
  for (const char* const name : {"first", "second"}) {
    queries.emplace_back(name, tape.variable(with.tensor(join("in.", std::string_view(name)))));
    const auto [context, weights] = attention(queries.back().second, memory);
    outputs.emplace_back(std::string(name) + ".context", context);
    outputs.emplace_back(std::string(name) + ".weights", weights);
  }
  for (const auto& [name, output] : outputs) with.expect("out." + name, output.value());
  backward(with.loss(outputs));
  with.expect("grad.states", tape.gradient(states));
  for (const auto& [name, query] : queries) with.expect("grad." + name, tape.gradient(query));
  for (const Parameter<double>& p : registry) with.expect("grad." + p.path, p.gradient);
}

}  // namespace

void attention(Case& with, const std::string&) {
  const std::string form = with.word("form", "");
  Registry<double> registry;
  Random random(1);
  const Scope<double> scope(registry, random);
  const Index query = with.shape("in.first").back(), hidden = with.shape("in.states").back();
  if (form == "additive" || form == "rectified")
    return compare_attention(
        with, registry,
        AdditiveAttention<double>(scope, query, hidden, with.shape("in.v")[0], {.rectifier = form == "rectified"}));
  if (form == "multiplicative") return compare_attention(with, registry, MultiplicativeAttention<double>(scope, query, hidden));
  if (form == "dot") return compare_attention(with, registry, DotAttention<double>());
  bad_file("attention of the form ", form);
}

}  // namespace carousel::compare
