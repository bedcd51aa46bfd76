#pragma once
/// The curves of a run, from the lines of its metrics.jsonl and steps.jsonl, as views.

#include <string>
#include <vector>

#include <carousel/tasks/drawing/json.hpp>
#include <carousel/tasks/drawing/views.hpp>

namespace carousel {

struct RunCurves {
  Json learning = Json::array();   ///< views: loss, metrics, rate
  Json gradients = Json::array();  ///< views: norms and moves, of all and of each parameter
  Json result = Json::array();     ///< [name, value] of each, of the result or the last epoch
  Json seconds = nullptr;          ///< that the training took
  bool done = false;               ///< it came to its result
  std::string not_better_than;     ///< a guess without a net, where the result does not beat it
  bool exploded = false;           ///< it ended for its loss
};

/// Lines of another form than those that a training writes are passed over.
RunCurves curves_of(const std::vector<Json>& metrics, const std::vector<Json>& steps);

/// The chart of a view of the kind "lines", with its title. Throws what nlohmann::json throws if it is none.
Chart chart_of(const Json& view);

}  // namespace carousel
