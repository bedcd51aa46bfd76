/// Reading printed digits from images, by attention or by CTC: ray075hl's attention-ocr-toy-example (2017), with images that the
/// program makes.

#include <filesystem>

#include <fmt/format.h>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/tasks/answers/answers.hpp>
#include <carousel/tasks/answers/image_files.hpp>
#include <carousel/tasks/answers/unsure.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/ocr/data.hpp>
#include <carousel/tasks/ocr/model.hpp>
#include <carousel/tasks/ocr/views.hpp>
#include <carousel/tasks/training/arguments.hpp>
#include <carousel/tasks/training/training.hpp>

namespace carousel {

namespace {

std::vector<Preset<OcrOptions>> presets() {
  OcrOptions usual, source;
  usual.epochs = 10, usual.images = 10000, usual.cell = "gru", usual.hidden = 96, usual.channels = 16, usual.batch = 32,
  usual.rate = 2e-3, usual.clip = 1, usual.schedule = "cosine", usual.warm_up = 100;
  source.epochs = 20, source.images = 10000, source.cell = "gru", source.hidden = 256, source.channels = 16, source.batch = 32,
  source.optimizer = "adadelta", source.rate = 1, source.attention = "multiplicative";
  usual.bidirectional = source.bidirectional = true;
  return {{"default", "our tuned settings", usual},
          {"source", "the original's net, with a quarter of its channels and without batch normalisation (--channels 64 has all)",
           source}};
}

Arguments<OcrOptions> arguments() {
  Arguments<OcrOptions> all("ocr", presets());
  all.add("--head", "HEAD", &OcrOptions::head, "what says the digits: attention, ctc, or both with a loss of both",
          {.one_of = ocr_heads()})
      .add("--attention", "FORM", &OcrOptions::attention, "additive or multiplicative",
           {.one_of = {"additive", "multiplicative"}})
      .add("--channels", "N", &OcrOptions::channels, "of the first convolution; the next ones have twice, four times as many",
           {.at_least = 1, .at_most = 1024})
      .add_net({.hidden = "units of each recurrent layer, in each direction",
                .layers = "recurrent layers",
                .bidirectional = "they read from both ends; --bidirectional=no: from the left alone"})
      .add("--images", "N", &OcrOptions::images, "images per epoch, new ones in each", size_rule())
      .add("--jitter", "J", &OcrOptions::jitter,
           "how much they are slanted, turned, stretched, blurred and spoiled by noise: from 0, not at all, to 1",
           {.at_least = 0, .at_most = 1})
      .add("--fonts", "DIR", &OcrOptions::fonts, "folder of fonts, *.ttf and *.otf; none: six faces of DejaVu", {.is_path = true})
      .add_training({.batch = "images per update"})
      .add_threads();
  return all;
}

std::vector<OcrReading> read_lines(const OcrModel& model, std::span<const PrintedLine> lines, bool by_ctc) {
  std::vector<GreyImage> images;
  for (const PrintedLine& line : lines) images.push_back(line.image);
  return model.read(images, by_ctc);
}

/// When an answer is unsure, by lines whose digits are known.
double threshold_by(std::span<const OcrReading> read, std::span<const PrintedLine> right) {
  std::vector<JudgedAnswer> answers;
  for (std::size_t n = 0; n < read.size(); ++n) answers.push_back({read[n].probability, read[n].digits == right[n].digits});
  return unsure_threshold(std::move(answers));
}

/// By attention where there is some.
OcrReading read_one(const OcrModel& model, const GreyImage& image) {
  return model.read(std::span(&image, 1), !model.has_attention()).front();
}

OcrAccuracy accuracy_on(const OcrModel& model, std::span<const PrintedLine> lines, bool by_ctc) {
  return accuracy(read_lines(model, lines, by_ctc), lines);
}

std::vector<Metric> measure(const OcrModel& model, const OcrData& data) {
  const std::vector<PrintedLine> test = data.test();
  const OcrAccuracy found = accuracy_on(model, test, !model.has_attention());
  std::vector<Metric> metrics = {{"string_accuracy", found.strings}, {"character_accuracy", found.characters}};
  if (model.has_attention() && model.has_ctc()) {
    const OcrAccuracy by_ctc = accuracy_on(model, test, true);
    metrics.push_back({"ctc_string_accuracy", by_ctc.strings});
    metrics.push_back({"ctc_character_accuracy", by_ctc.characters});
  }
  return metrics;
}

/// One of the numbers with as many digits, if it guesses the right one of the three lengths.
const Baseline baseline{.metric = "string_accuracy", .guess = "a uniform guess", .value = (1e-3 + 1e-4 + 1e-5) / 9, .perfect = 1};

/// Images to try the model on, with what they say as their names. Returns the path of the first.
std::string write_examples(const OcrData& data, const std::string& folder) {
  const std::filesystem::path examples = std::filesystem::path(folder) / "examples";
  std::filesystem::create_directories(examples);
  std::string first;
  for (std::uint64_t n = 0; n < 8; ++n) {
    const PrintedLine line = data.example(n);
    const std::string path = (examples / fmt::format("{}-{}.png", n + 1, digits_text(line.digits))).string();
    write_png(path, line.image);
    if (n == 0) first = path;
  }
  return first;
}

OcrData make_data(const OcrOptions& options, const std::string& fonts) {
  return OcrData(fonts, {.height = OcrModel::height, .width = OcrModel::width, .jitter = options.jitter},
                 static_cast<std::uint64_t>(options.seed));
}

int train(const OcrOptions& options) {
  const OcrData data = make_data(options, options.fonts);
  const std::vector<PrintedLine> validation = data.validation();
  Registry<float> registry;
  Random random = Random(static_cast<std::uint64_t>(options.seed)).split("parameters");
  const OcrModel model(Scope<float>(registry, random), options);
  const auto optimizer = make_optimizer(options.optimizer, registry, options.rate);

  const auto loss = [&](const Batch& batch, const Shard& shard) {
    std::vector<PrintedLine> lines;
    for (const Index n : shard.of(batch.examples)) lines.push_back(data.training(batch.epoch * options.images + n));
    const auto count = static_cast<Index>(batch.examples.size());
    return model.loss(lines, static_cast<double>(count), DropoutKey{.seed = batch.key, .first_example = shard.first(count)});
  };
  OcrAccuracy on_validation;
  std::string unsure;  // below which probability, as the checkpoint says it; empty: nothing has validated yet
  const auto validate = [&] {
    const std::vector<OcrReading> readings = read_lines(model, validation, !model.has_attention());
    unsure = detail::text_of(threshold_by(readings, validation));
    return (on_validation = accuracy(readings, validation)).strings;
  };
  PrintedLine looked_into = validation.front();  // the first of those that are shown
  return train_model<float>(
      options, {.about = "images of 3 to 5 digits in " + data.fonts(),
                .parts = {.unit = "images in each epoch",
                          .train = options.images,
                          .validation = std::ssize(validation),
                          .test = 2000,
                          .overfits = false},
                .identity = data.identity(),
                .optimizer = *optimizer,
                .data = {.examples = options.images, .batch = options.batch},
                .loss = loss,
                .shards = options.shards(),
                .validation = {.name = "validation_string_accuracy", .measure = validate, .higher_is_better = true},
                .after_epoch = [&](const EpochReport&) -> std::vector<Metric> {
                  return {{"validation_character_accuracy", on_validation.characters}};
                },
                .save =
                    [&](Safetensors& file) {
                      if (!unsure.empty()) file.metadata[unsure_key] = unsure;
                    },
                .restore =
                    [&](const Safetensors& file) {
                      if (const auto saved = file.metadata.find(unsure_key); saved != file.metadata.end()) unsure = saved->second;
                    },
                .views =
                    [&](Views& views) {
                      const std::vector<PrintedLine> lines = views.done ? data.test() : validation;
                      looked_into = lines.front();
                      add_ocr_views(views, model, lines);
                    },
                .sample = [&](const std::string& cell) { return ocr_sample(model, options, looked_into, cell); },
                .result =
                    [&](const TrainOutcome& trained) {
                      note(fmt::format("try: carousel eval {} --input {}", trained.folder, write_examples(data, trained.folder)));
                      return measure(model, data);
                    },
                .baseline = baseline});
}

/// A model that was saved, and where its fonts lay.
struct Loaded {
  OcrOptions options;
  Registry<float> registry;
  Random random{1};
  OcrModel model;
  std::string fonts;

  Loaded(const Safetensors& checkpoint, const std::string& file)
      : options(arguments().read(checkpoint, file)), model(Scope<float>(registry, random), options) {
    load(registry, checkpoint, file);
    if (const auto found = checkpoint.metadata.find("fonts"); found != checkpoint.metadata.end()) fonts = found->second;
  }
};

int eval(const EvalOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  if (!options.input) {
    return print_result("ocr", measure(loaded.model, make_data(loaded.options, loaded.fonts)), baseline);
  }
  const GreyImage image = fit_into(without_margin(read_png(*options.input)), OcrModel::height, OcrModel::width);
  const auto [digits, probability] = read_one(loaded.model, image);
  print(digits.empty() ? "no digits" : digits_text(digits));
  return print_result("ocr", {{"digits", static_cast<double>(digits.size())}, {"probability", probability}});
}

/// Reads pictures of a line of digits each.
int predict(const PredictOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  const double threshold = unsure_below(options);
  Answers answers(options, {"file", "digits", "probability", "remark"});
  ImageFiles files(options.input);
  while (files.next()) {
    const GreyImage image = fit_into(without_margin(read_png(files.path())), OcrModel::height, OcrModel::width);
    const auto [digits, probability] = read_one(loaded.model, image);
    if (!answers.add({files.path(), digits_text(digits), probability, unsure_remark(probability, threshold)})) break;
  }
  return answers.finish();
}

/// Reads a new image, which is left beside the checkpoint.
int sample(const SampleOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  const PrintedLine line = make_data(loaded.options, loaded.fonts).example(1000 + static_cast<std::uint64_t>(options.seed));
  const std::filesystem::path path =
      std::filesystem::path(options.file).replace_filename(fmt::format("sample-{}.png", options.seed));
  write_png(path.string(), line.image);
  print("image:  " + path.string());
  print("shows:  " + digits_text(line.digits));
  print("read:   " + digits_text(read_one(loaded.model, line.image).digits));
  return exit_done;
}

}  // namespace

namespace tasks {
Task ocr() {
  return {.name = "ocr",
          .about = "reads printed digits from images, by attention or CTC; from a PNG of yours, too",
          .example = "carousel train ocr --threads 2",
          .train = [](CLI::App& app) { return arguments().declare(app, train); },
          .eval = eval,
          .sample = sample,
          .predict = predict,
          .eval_takes = {"--input"},
          .sample_takes = {"--seed"},
          .predict_takes = {"--input", "--threshold"},
          .predict_about =
              "pictures of a line of digits each: a PNG, a folder of them, or with - their names, one a line; the margin "
              "is cut off, and the line is scaled to 120 x 32 pixels. The answer is its digits, their probability, "
              "and the remark unsure below --threshold (measured on the validation images: above it 99 of 100 "
              "were right). Columns: file, digits, probability, remark",
          .data = OutsideData{.what = "fonts, *.ttf and *.otf", .option = "--fonts DIR", .without = "six faces of DejaVu"}};
}
}  // namespace tasks

}  // namespace carousel
