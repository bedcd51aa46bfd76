#include <carousel/lib/training/checkpoint.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <stdexcept>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"
#include "tests/support/message_of.hpp"

using namespace carousel;
using test::Folder;

namespace {

template <class T>
Parameter<T>& add(Registry<T>& registry, const std::string& path, const Shape& shape, double first = 0) {
  return registry.parameter(path, shape, [&] {
    Tensor<T> value = empty<T>(shape);
    for (Index i = 0; i < shape.size(); ++i) value.data()[i] = static_cast<T>(first + static_cast<double>(i) / 3);
    return value;
  });
}

template <class T>
bool same_bits(const Tensor<T>& a, const Tensor<T>& b) {
  return shape_of(a) == shape_of(b) && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <class T>
void give_gradients(Registry<T>& registry, double first) {
  for (Parameter<T>& p : registry) {
    for (std::size_t i = 0; i < p.gradient.size(); ++i)
      p.gradient.data()[i] = static_cast<T>(std::sin(first + static_cast<double>(i)));
    p.has_gradient = true;
  }
}

}  // namespace

TEST_CASE("parameters come back bit for bit, with words and tensors of the program's own") {
  const Folder folder;
  const std::string path = folder / "model.safetensors";
  Registry<float> saved, loaded;
  add(saved, "cell/wx", {2, 3}, 1);
  add(saved, "scale", {}, 7);
  save(saved, path, {.tensors = {{"task:step", from_tensor(full<std::int64_t>({}, 12))}}, .metadata = {{"cell", "lstm"}}});

  Parameter<float>&wx = add(loaded, "cell/wx", {2, 3}, 50), &scale = add(loaded, "scale", {}, 60);
  const float* const place = wx.value.data();
  const std::uint64_t version = wx.version();
  wx.has_gradient = true;
  const Safetensors file = load(loaded, path);
  CHECK(same_bits(wx.value, saved.at("cell/wx").value));
  CHECK(scale.value.data()[0] == 7);
  CHECK(wx.value.data() == place);
  CHECK(wx.version() == version + 1);
  CHECK_FALSE(wx.has_gradient);
  CHECK(file.metadata.at("cell") == "lstm");
  CHECK(to_tensor<std::int64_t>(file.tensors.at("task:step"), "").data()[0] == 12);
}

TEST_CASE("a file of floats loads into doubles and back") {
  const Folder folder;
  Registry<float> narrow, back;
  Registry<double> wide;
  add(narrow, "w", {5}, 0.1);
  add(wide, "w", {5}, 9);
  add(back, "w", {5}, 9);
  save(narrow, folder / "narrow.safetensors");
  load(wide, folder / "narrow.safetensors");
  for (int i = 0; i < 5; ++i) CHECK(wide.at("w").value.data()[i] == static_cast<double>(narrow.at("w").value.data()[i]));
  save(wide, folder / "wide.safetensors");
  load(back, folder / "wide.safetensors");
  CHECK(same_bits(back.at("w").value, narrow.at("w").value));
}

TEST_CASE("a parameter that is not finite is refused, and taken where that is asked for") {
  const Folder folder;
  const std::string path = folder / "model.safetensors", end =
                                                             ": must be finite; such a net was spoilt while it was trained or "
                                                             "saved (" +
                                                             path + ")";
  Registry<double> saved, model;
  Registry<float> narrow;
  for (Registry<double>* one : {&saved, &model}) add(*one, "a", {}, 1), add(*one, "w", {2, 3}, 1);
  add(narrow, "a", {}, 5), add(narrow, "w", {2, 3}, 5);
  for (const double bad : {std::nan(""), -HUGE_VAL, 1e300}) {
    CAPTURE(bad);
    saved.at("w").change()[5] = bad;
    Adam<double> adam(saved, {});
    save(adam, path);
    const std::uint64_t version = model.at("w").version();
    const auto refusal = [&](auto& into) { return message_of<std::runtime_error>([&] { load(into, path); }); };
    const std::string what = std::isnan(bad) ? "nan" : bad < 0 ? "-inf" : "inf";
    CHECK(refusal(narrow) == "load: file has " + what + " in w at [1, 2]" + end);
    CHECK(narrow.at("a").value.data()[0] == 5);
    if (std::isfinite(bad)) {
      CHECK_NOTHROW(load(model, path));
      continue;
    }
    CHECK(refusal(model) == "load: file has " + what + " in w at [1, 2]" + end);
    Adam<double> another(model, {});
    CHECK(refusal(another) == "load: file has " + what + " in w at [1, 2]" + end);
    CHECK(model.at("w").version() == version);
    load(model, path, {.prefix = "a"});  // of what is taken nothing is wrong
    load(model, path, {.nonfinite = true});
    CHECK(same_bits(model.at("w").value, saved.at("w").value));
  }
  saved.at("a").change()[0] = std::nan("");
  save(saved, path);
  CHECK(message_of<std::runtime_error>([&] { load(model, path); }) == "load: file has nan in a at []" + end);
}

TEST_CASE("a file that does not fit says all that is wrong, and nothing is assigned") {
  const Folder folder;
  const std::string path = folder / "model.safetensors", end = " (" + path + ")";
  Registry<float> saved;
  add(saved, "cell/a", {3}, 1);
  add(saved, "cell/wx", {64, 128}, 1);
  save(saved, path);

  const auto refusal = [&](Registry<float>& model) {
    for (Parameter<float>& p : model) std::ranges::fill(p.change(), 0.5f);
    std::vector<std::uint64_t> versions;
    for (const Parameter<float>& p : model) versions.push_back(p.version());
    std::string error = message_of<std::runtime_error>([&] { load(model, path); });
    auto version = versions.begin();
    for (const Parameter<float>& p : model) {
      CHECK(same_bits(p.value, full<float>(p.shape(), 0.5f)));
      CHECK(p.version() == *version++);
    }
    return error;
  };
  Registry<float> other_shape, more, fewer, all_wrong;
  add(other_shape, "cell/a", {3});
  add(other_shape, "cell/wx", {64, 256});
  CHECK(refusal(other_shape) == "load: file has cell/wx [64, 128], the model wants [64, 256]" + end);
  add(more, "cell/a", {3});
  add(more, "cell/wx", {64, 128});
  add(more, "readout/w", {2});
  add(more, "readout/b", {2});
  CHECK(refusal(more) == "load: file lacks readout/w, readout/b" + end);
  add(fewer, "cell/a", {3});
  CHECK(refusal(fewer) == "load: file has \"cell/wx\", which the model lacks" + end);
  add(all_wrong, "cell/a", {3, 1});
  for (char c = 'a'; c <= 'j'; ++c) add(all_wrong, std::string("x/") + c, {1});
  CHECK(refusal(all_wrong) ==
        "load: file has cell/a [3], the model wants [3, 1]; file lacks x/a, x/b, x/c, x/d, x/e, x/f, x/g, x/h "
        "and 2 more; file has \"cell/wx\", which the model lacks" +
            end);
}

TEST_CASE("a file with another type of numbers is refused before anything is assigned") {
  const Folder folder;
  const std::string path = folder / "model.safetensors";
  Registry<float> model;
  Parameter<float>& a = add(model, "a", {2}, 5);
  add(model, "b", {2}, 5);
  write_safetensors(path, {.tensors = {{"a", from_tensor(full<float>({2}, 1))}, {"b", from_tensor(full<std::int32_t>({2}, 1))}},
                           .metadata = {}});
  CHECK(message_of<std::runtime_error>([&] { load(model, path); }) ==
        "load: b is I32: must be F32, F64, F16 or BF16 (" + path + ")");
  CHECK(a.value.data()[0] == 5);
  test::write_text(path, "not a checkpoint");
  CHECK(message_of<std::runtime_error>([&] { load(model, path); }).starts_with("read " + path + ": header of "));
  CHECK(a.value.data()[0] == 5);
}

TEST_CASE("a part of a model may be loaded alone") {
  const Folder folder;
  const std::string path = folder / "model.safetensors";
  Registry<float> saved, model;
  add(saved, "lstm/wx", {2}, 1);
  add(saved, "old/w", {9}, 1);
  save(saved, path);
  add(model, "lstm/wx", {2}, 5);
  add(model, "new/w", {4}, 5);
  load(model, path, {.prefix = "lstm"});
  CHECK(model.at("lstm/wx").value.data()[0] == 1);
  CHECK(model.at("new/w").value.data()[0] == 5);
  CHECK(message_of<std::runtime_error>([&] { load(model, path, {.prefix = "new"}); }) == "load: file lacks new/w (" + path + ")");
  CHECK_THROWS_WITH_AS(load(model, path, {.prefix = "ls"}), "load: no parameter is or lies below ls", std::invalid_argument);
}

TEST_CASE("extra tensors may not be taken for parameters, nor for an optimiser's") {
  const Folder folder;
  Registry<float> registry;
  add(registry, "w", {2});
  const StoredTensor extra = from_tensor(full<float>({}, 1));
  CHECK_THROWS_WITH_AS(save(registry, folder / "f", {.tensors = {{"state", extra}}, .metadata = {}}),
                       "save: extra tensor \"state\": name must have a colon, as \"task:state\"", std::invalid_argument);
  CHECK_THROWS_WITH_AS(save(registry, folder / "f", {.tensors = {{"optimizer:m/w", extra}}, .metadata = {}}),
                       "save: extra tensor \"optimizer:m/w\": name is an optimiser's", std::invalid_argument);
  CHECK_THROWS_WITH_AS(save(registry, folder / "f", {.tensors = {}, .metadata = {{"optimizer", "adam"}}}),
                       "save: extra metadata \"optimizer\": name is an optimiser's", std::invalid_argument);
  CHECK(folder.count() == 0);
}

TEST_CASE_TEMPLATE("an optimiser goes on from a file bit for bit", T, float, double) {
  const Folder folder;
  const std::string path = folder / "last.safetensors";
  const auto check = [&]<class O>(O*, const auto& options) {
    Registry<T> straight, resumed;
    for (Registry<T>* registry : {&straight, &resumed}) {
      add(*registry, "w", {3, 7}, 1);
      add(*registry, "frozen", {2}, 1);
      registry->freeze("frozen");
    }
    O first(straight, options);
    for (int i = 0; i < 3; ++i) give_gradients(straight, i), first.step();
    save(first, path);
    for (int i = 3; i < 6; ++i) give_gradients(straight, i), first.step();

    O second(resumed, options);
    load(second, path);
    for (int i = 3; i < 6; ++i) give_gradients(resumed, i), second.step();
    CHECK(same_bits(straight.at("w").value, resumed.at("w").value));

    Registry<T> plain;  // whoever wants the parameters only
    add(plain, "w", {3, 7});
    add(plain, "frozen", {2});
    load(plain, path);
    CHECK_FALSE(same_bits(plain.at("w").value, resumed.at("w").value));
  };
  check(static_cast<Sgd<T>*>(nullptr), SgdOptions{.momentum = 0.9});
  check(static_cast<RmsProp<T>*>(nullptr), RmsPropOptions{.momentum = 0.9});
  check(static_cast<Adagrad<T>*>(nullptr), AdagradOptions{.rate_decay = 0.1});
  check(static_cast<Adadelta<T>*>(nullptr), AdadeltaOptions{});
  check(static_cast<Adam<T>*>(nullptr), AdamOptions{});
  check(static_cast<AdamW<T>*>(nullptr), AdamWOptions{});
}

TEST_CASE("the state of an optimiser is checked like the parameters") {
  const Folder folder;
  const std::string path = folder / "last.safetensors", end = " (" + path + ")";
  Registry<double> registry;
  Parameter<double>& w = add(registry, "w", {2}, 1);
  Adam<double> adam(registry);
  const auto refusal = [&](auto& optimizer) {
    const std::uint64_t version = w.version();
    std::string error = message_of<std::runtime_error>([&] { load(optimizer, path); });
    CHECK(w.version() == version);
    return error;
  };
  save(registry, path);
  CHECK(refusal(adam) == "load: file has no state of an optimiser" + end);
  give_gradients(registry, 0);
  adam.step();
  save(adam, path);
  Sgd<double> sgd(registry);
  CHECK(refusal(sgd) == "load: file has the state of \"adam\", the optimiser is sgd" + end);

  const Safetensors good = read_safetensors(path);
  const auto broken = [&](const std::function<void(Safetensors&)>& change) {
    Safetensors bad = good;
    change(bad);
    write_safetensors(path, bad);
    return refusal(adam);
  };
  CHECK(broken([](Safetensors& f) { f.tensors.erase("optimizer:v/w"); }) == "load: file lacks optimizer:v/w" + end);
  CHECK(broken([](Safetensors& f) { f.tensors["optimizer:v/w"] = from_tensor(zeros<double>({3})); }) ==
        "load: file has optimizer:v/w [3], the model wants [2]" + end);
  CHECK(broken([](Safetensors& f) { f.tensors["optimizer:steps/w"] = from_tensor(full<double>({}, 1)); }) ==
        "load: optimizer:steps/w is F64: must be I64" + end);
  CHECK(broken([](Safetensors& f) { f.tensors["optimizer:steps/w"] = from_tensor(full<std::int64_t>({}, -1)); }) ==
        "load: file has optimizer:steps/w -1: must not be negative" + end);
  CHECK(broken([](Safetensors& f) { f.tensors["optimizer:x/w"] = from_tensor(zeros<double>({2})); }) ==
        "load: file has 4 tensors of an optimiser, this one wants 3: options or parameters differ" + end);
  write_safetensors(path, good);
  load(adam, path);
}
