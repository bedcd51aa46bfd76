#include <carousel/tasks/training/draw_model.hpp>

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include <carousel/lib/look/trace.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/nets/cell_graph.hpp>
#include <carousel/tasks/nets/model_graph.hpp>

namespace carousel {

template <class T>
int draw_model(const TrainOptions& options, const TrainPlan<T>& plan) {
  std::vector<Index> examples(static_cast<std::size_t>(std::min(plan.data.batch, plan.data.examples)));
  std::iota(examples.begin(), examples.end(), Index{0});
  Tape<T> tape;
  Trace<T> trace;
  const Var<T> loss = trace.follow([&] { return plan.loss({examples, 0, 0, 0, 0}, Shard{0, plan.shards}); });
  const std::string part = plan.shards == 1 ? "" : fmt::format(", for one of {} parts of a batch", plan.shards);
  const std::string title = (options.backward ? "gradients in the model of the task " : "the model of the task ") +
                            options.metadata.at("task") + part + (options.backward ? "; δ: the gradient that arrives" : "");
  Graph graph = model_graph(title, options.cell, loss, trace, options.backward);
  graph.inset.push_back(cell_graph(options.cell, options.backward));
  write_graph(graph, options.graph);
  return exit_done;
}

template int draw_model(const TrainOptions&, const TrainPlan<float>&);
template int draw_model(const TrainOptions&, const TrainPlan<double>&);

}  // namespace carousel
