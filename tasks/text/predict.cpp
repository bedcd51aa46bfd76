#include <carousel/tasks/text/predict.hpp>

#include <carousel/tasks/answers/answers.hpp>
#include <carousel/tasks/answers/input_lines.hpp>
#include <carousel/tasks/base/interrupt.hpp>

namespace carousel {

int predict_text(const TextModel& model, const PredictOptions& options) {
  Answers answers(options, {"line", "prime", "text"});
  InputLines lines(options.input, "must have lines to go on from");
  TextSampling sampling{.length = options.length.value_or(200), .argmax = options.argmax};
  if (options.temperature) sampling.temperature = *options.temperature;
  sampling.prime_name = name_of_input(options.input);
  while (lines.next()) {
    sampling.prime = lines.line();
    sampling.prime_line = lines.number();
    sampling.seed = static_cast<std::uint64_t>(options.seed + lines.number() - 1);
    std::string text;
    sample_text(model, sampling, [&](const std::string& character) {
      text += character;
      return !interrupted();
    });
    if (interrupted() || !answers.add({lines.number(), sampling.prime, text.substr(sampling.prime.size())})) break;
  }
  return answers.finish();
}

}  // namespace carousel
