#include <carousel/tasks/runs/metric_meaning.hpp>

namespace carousel {

namespace {

struct Meaning {
  std::string_view name, text;
};

/// What may stand before a metric: whose it is.
constexpr Meaning parts[] = {{"best_validation_", "of the best epoch, on the validation data"},
                             {"validation_", "on the validation data"},
                             {"train_", "on the training data"},
                             {"test_", "on the test data, which the net never saw"},
                             {"longer_", "of longer lists than it learned"},
                             {"ctc_", "of the other head, by CTC"},
                             {"naive_", "of saying the last value again: a baseline"},
                             {"seasonal_", "of what was a season ago: a baseline"},
                             {"drift_", "of a straight line through the first value and the last: a baseline"},
                             {"moving_average_", "of the mean of the last values: a baseline"},
                             {"majority_", "of always saying the commonest label: a baseline"},
                             {"mean_", "of always saying the mean of the training part: a baseline"},
                             {"baseline_", "of always saying the mean: a baseline"},
                             {"memoryless_", "of a regression that sees one frame at a time: a baseline"}};

constexpr Meaning meanings[] = {
    {"loss", "loss, lower is better"},
    {"mse", "mean squared error; 0 is perfect"},
    {"rmse", "root of the mean squared error; 0 is perfect"},
    {"mae", "mean distance from the truth; 0 is perfect"},
    {"accuracy", "share of right answers; 1 is all"},
    {"token_accuracy", "share of right numbers; 1 is all"},
    {"string_accuracy", "share of answers that are right as a whole; 1 is all"},
    {"character_accuracy", "share of right characters; 1 is all"},
    {"bits_per_character", "surprise per character in bits (loss / ln 2), lower is better"},
    {"perplexity", "perplexity, e^loss: among how many equally likely characters it chooses; 1 is certain"},
    {"ms_per_batch", "milliseconds per training step"},
    {"auc", "how often a frame with an event is held likelier than one without; 0.5 is guessing, 1 is always"},
    {"skill", "part of the best baseline's error that is gone; 0.02 or less: not better than that baseline"},
    {"skill_min", "skill in the worst of five consecutive parts of the rows to test"},
    {"skill_max", "skill in the best of them"},
    {"coverage", "part of the rows to test that their 80 % interval holds; 0.8 is right"},
    {"error_of_15_halves", "how far it is off after 15 times 0.5"},
    {"error_of_20_halves", "how far it is off after 20 times 0.5"},
    {"last_100_loss", "mean loss of the last 100 sequences of the training"},
    {"closed_loop_rmse", "how far it is off on its own, over 100 points"},
    {"closed_loop_rmse_1000", "how far it is off on its own, over 1,000 points"},
    {"half_amplitude_rmse", "how far it is off on a sine half as high, which it never saw"},
    {"rmse_960", "over 960 points, learned or not"},
    {"starts_right", "digits from which it counts on without an error"},
    {"starts", "digits that it was started from"},
    {"right", "rows classified correctly"},
    {"rows", "rows that were classified"},
    {"right1to1", "true positives: rows of label 1 predicted as 1"},
    {"right0to0", "true negatives: rows of label 0 predicted as 0"},
    {"errors0to1", "false positives: rows of label 0 predicted as 1"},
    {"errors1to0", "false negatives: rows of label 1 predicted as 0"},
    {"precision", "part of the rows predicted as a class that are of it; 1 is all"},
    {"recall", "part of the rows of a class that are predicted as it; 1 is all"},
    {"f1", "harmonic mean of precision and recall; 1 is perfect"},
    {"ones", "rows predicted as the second class"},
    {"hidden", "units of the best net"},
    {"rate", "learning rate of the best net"},
};

}  // namespace

std::string meaning_of(std::string_view metric) {
  for (const Meaning& known : meanings)
    if (known.name == metric) return std::string(known.text);
  for (const Meaning& part : parts)
    if (metric.starts_with(part.name))
      if (const std::string whole = meaning_of(metric.substr(part.name.size())); !whole.empty())
        return whole + "; " + std::string(part.text);
  return "";
}

}  // namespace carousel
