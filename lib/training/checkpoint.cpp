#include <carousel/lib/training/checkpoint.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <carousel/lib/utf8.hpp>

namespace carousel {

namespace {

constexpr std::string_view optimizer_mark = "optimizer:";

bool is_parameter(std::string_view name) {
  return name.find(':') == std::string_view::npos;
}

template <class T>
Safetensors content_of(const Registry<T>& registry, const Safetensors& extra) {
  for (const auto& [name, tensor] : extra.tensors) {
    if (is_parameter(name)) wrong_argument("save: extra tensor ", in_quotes(name), ": name must have a colon, as \"task:state\"");
    if (name.starts_with(optimizer_mark)) wrong_argument("save: extra tensor ", in_quotes(name), ": name is an optimiser's");
  }
  if (extra.metadata.contains("optimizer")) wrong_argument("save: extra metadata \"optimizer\": name is an optimiser's");
  Safetensors content = extra;
  for (const Parameter<T>& parameter : registry) content.tensors[parameter.path] = from_tensor(parameter.value);
  return content;
}

/// "a, b, c and 4 more"
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 8;
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) out += (i ? ", " : "") + names[i];
  return names.size() > most ? out + " and " + std::to_string(names.size() - most) + " more" : out;
}

template <class T>
void check_finite(const Tensor<T>& value, const std::string& name, const std::string& path) {
  const std::size_t first =
      static_cast<std::size_t>(std::find_if(value.begin(), value.end(), [](T x) { return !std::isfinite(x); }) - value.begin());
  if (first == value.size()) return;
  const Shape shape = shape_of(value);
  std::string place;
  auto rest = static_cast<Index>(first);
  for (int axis = shape.rank(); axis-- > 0; rest /= shape[axis])
    place = join(rest % shape[axis], place.empty() ? "" : ", ", place);
  bad_file("load: file has ", static_cast<double>(value.data()[first]), " in ", name, " at [", place,
           "]: must be finite; such a net was spoilt while it was trained or saved (", path, ")");
}

/// Checks a file against the parameters; the function that is returned assigns them.
template <class T>
std::function<void()> take(Registry<T>& registry, const Safetensors& file, const std::string& path, const LoadOptions& options) {
  const std::string_view prefix = options.prefix;
  std::vector<Parameter<T>*> targets;
  std::vector<Tensor<T>> values;
  std::vector<std::string> faults, missing, unexpected;
  for (Parameter<T>& parameter : registry) {
    if (!lies_below(parameter.path, prefix)) continue;
    targets.push_back(&parameter);
    const auto found = file.tensors.find(parameter.path);
    if (found == file.tensors.end())
      missing.push_back(parameter.path);
    else if (!(found->second.shape == parameter.shape()))
      faults.push_back(join("file has ", parameter.path, ' ', found->second.shape, ", the model wants ", parameter.shape()));
  }
  if (targets.empty() && !prefix.empty()) wrong_argument("load: no parameter is or lies below ", prefix);
  for (const auto& [name, tensor] : file.tensors)
    if (is_parameter(name) && lies_below(name, prefix) && !registry.contains(name)) unexpected.push_back(in_quotes(name));
  if (!missing.empty()) faults.push_back("file lacks " + listed(missing));
  if (!unexpected.empty()) faults.push_back("file has " + listed(unexpected) + ", which the model lacks");
  if (!faults.empty()) {
    std::string all;
    for (const std::string& fault : faults) all += (all.empty() ? "" : "; ") + fault;
    bad_file("load: ", all, " (", path, ")");
  }
  values.reserve(targets.size());
  for (const Parameter<T>* parameter : targets)
    values.push_back(detail::tensor_of<T>(file, parameter->path, parameter->shape(), path));
  if (!options.nonfinite)
    for (std::size_t i = 0; i < targets.size(); ++i) check_finite(values[i], targets[i]->path, path);
  return [targets = std::move(targets), values = std::move(values)] {
    for (std::size_t i = 0; i < targets.size(); ++i) {
      targets[i]->set(values[i]);
      targets[i]->has_gradient = false;
    }
  };
}

}  // namespace

template <class T>
std::function<void()> detail::take(Optimizer<T>& optimizer, const Safetensors& file, const std::string& path) {
  return [parameters = carousel::take(optimizer.registry(), file, path, {}), state = optimizer.take(file, path)] {
    parameters();
    state();
  };
}

template <class T>
Tensor<T> detail::tensor_of(const Safetensors& file, const std::string& name, const Shape& shape, const std::string& path) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) bad_file("load: file lacks ", name, " (", path, ")");
  if (!(found->second.shape == shape))
    bad_file("load: file has ", name, ' ', found->second.shape, ", the model wants ", shape, " (", path, ")");
  try {
    return to_tensor<T>(found->second, name);
  } catch (const std::runtime_error& error) {
    bad_file("load: ", error.what(), " (", path, ")");
  }
}

template <class T>
void save(const Registry<T>& registry, const std::string& path, const Safetensors& extra) {
  write_safetensors(path, content_of(registry, extra));
}

template <class T>
void save(const Optimizer<T>& optimizer, const std::string& path, const Safetensors& extra) {
  Safetensors content = content_of(optimizer.registry(), extra);
  optimizer.put(content);
  write_safetensors(path, content);
}

template <class T>
void load(Registry<T>& registry, const Safetensors& file, const std::string& path, const LoadOptions& options) {
  take(registry, file, path, options)();
}

template <class T>
void load(Optimizer<T>& optimizer, const Safetensors& file, const std::string& path) {
  detail::take(optimizer, file, path)();
}

template <class T>
Safetensors load(Registry<T>& registry, const std::string& path, const LoadOptions& options) {
  Safetensors file = read_safetensors(path);
  load(registry, file, path, options);
  return file;
}

template <class T>
Safetensors load(Optimizer<T>& optimizer, const std::string& path) {
  Safetensors file = read_safetensors(path);
  load(optimizer, file, path);
  return file;
}

#define CAROUSEL_INSTANTIATE(T)                                                                          \
  template void save<T>(const Registry<T>&, const std::string&, const Safetensors&);                     \
  template void save<T>(const Optimizer<T>&, const std::string&, const Safetensors&);                    \
  template void load<T>(Registry<T>&, const Safetensors&, const std::string&, const LoadOptions&);       \
  template void load<T>(Optimizer<T>&, const Safetensors&, const std::string&);                          \
  template Safetensors load<T>(Registry<T>&, const std::string&, const LoadOptions&);                    \
  template Safetensors load<T>(Optimizer<T>&, const std::string&);                                       \
  template std::function<void()> detail::take<T>(Optimizer<T>&, const Safetensors&, const std::string&); \
  template Tensor<T> detail::tensor_of<T>(const Safetensors&, const std::string&, const Shape&, const std::string&);
CAROUSEL_INSTANTIATE(float)
CAROUSEL_INSTANTIATE(double)
#undef CAROUSEL_INSTANTIATE
template Tensor<std::int64_t> detail::tensor_of<std::int64_t>(const Safetensors&, const std::string&, const Shape&,
                                                              const std::string&);
template Tensor<std::uint64_t> detail::tensor_of<std::uint64_t>(const Safetensors&, const std::string&, const Shape&,
                                                                const std::string&);

}  // namespace carousel
