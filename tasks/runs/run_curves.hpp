#pragma once
/// The curves of a run, from the lines of its metrics.jsonl and steps.jsonl, as views.

#include <vector>

#include <nlohmann/json.hpp>

#include <carousel/tasks/drawing/views.hpp>

namespace carousel {

struct RunCurves {
  nlohmann::ordered_json learning = nlohmann::ordered_json::array();   ///< views: loss, metrics, rate
  nlohmann::ordered_json gradients = nlohmann::ordered_json::array();  ///< views: norms and moves, of all and of each parameter
  nlohmann::ordered_json result = nlohmann::ordered_json::array();     ///< [name, value] of each, of the result or the last epoch
  nlohmann::ordered_json seconds = nullptr;                            ///< that the training took
  bool done = false;                                                   ///< it came to its result
  bool exploded = false;                                               ///< it ended for its loss
};

/// Lines of another form than those that a training writes are passed over.
RunCurves curves_of(const std::vector<nlohmann::ordered_json>& metrics, const std::vector<nlohmann::ordered_json>& steps);

/// The chart of a view of the kind "lines", with its title. Throws what nlohmann::json throws if it is none.
Chart chart_of(const nlohmann::ordered_json& view);

}  // namespace carousel
