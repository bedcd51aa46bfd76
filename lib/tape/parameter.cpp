#include <carousel/lib/tape/parameter.hpp>

#include <algorithm>
#include <mutex>
#include <vector>

#include <carousel/lib/utf8.hpp>

namespace carousel {

namespace {

/// Ids are small, so that a tape can look parameters up in an array: those of destroyed registries are given out again.
class Ids {
 public:
  std::uint32_t take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return next_++;
    const std::uint32_t id = free_.back();
    free_.pop_back();
    return id;
  }
  void give(std::uint32_t id) {
    const std::lock_guard lock(mutex_);
    free_.push_back(id);
  }

 private:
  std::mutex mutex_;
  std::vector<std::uint32_t> free_;
  std::uint32_t next_ = 0;
};

Ids& ids() {
  static Ids& instance = *new Ids;  // never destroyed: registries in static storage may outlive all else
  return instance;
}

}  // namespace

namespace {

std::string below(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + '/' + std::string(name);
}

constexpr std::string_view within = " → ";

/// The lines in which two places differ, as far as they do.
void drop_common_lines(std::string_view& a, std::string_view& b) {
  const auto first = [](std::string_view place) { return place.substr(0, place.find(within)); };
  const auto last = [](std::string_view place) {
    const std::size_t at = place.rfind(within);
    return at == std::string_view::npos ? place : place.substr(at + within.size());
  };
  const auto is_one = [](std::string_view place) { return place.find(within) == std::string_view::npos; };
  while (!is_one(a) && !is_one(b) && first(a) == first(b))
    for (std::string_view* place : {&a, &b}) place->remove_prefix(first(*place).size() + within.size());
  while (!is_one(a) && !is_one(b) && last(a) == last(b))
    for (std::string_view* place : {&a, &b}) place->remove_suffix(last(*place).size() + within.size());
}

[[noreturn]] void refuse_twice(std::string_view path, std::string_view first, std::string_view again) {
  constexpr const char* must = ": each layer must have a path of its own, or share by scope.shared()";
  if (first.empty() || again.empty()) wrong_argument("parameter: ", path, " is there already", must);
  if (first == again) wrong_argument("parameter: ", path, " is asked for twice, in ", first, must);
  drop_common_lines(first, again);
  wrong_argument("parameter: ", path, " is asked for in ", first, " and again in ", again, must);
}

}  // namespace

bool lies_below(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || prefix.empty() || path[prefix.size()] == '/');
}

template <class T>
Parameter<T>::Parameter(std::string p, Tensor<T> v, detail::ParameterStore<T>& s, std::uint32_t i)
    : path(std::move(p)), value(value_), gradient(zeros<T>(shape_of(v))), value_(std::move(v)), store_(s), id_(i) {}

template <class T>
void Parameter<T>::set(const Tensor<T>& to) {
  if (!has_shape(to, shape()))
    wrong_argument("parameter: ", path, " is ", shape(), ", to be set to ", shape_of(to), ": must keep its shape");
  std::copy_n(to.data(), to.size(), change().data());
}

namespace detail {

template <class T>
ParameterStore<T>::~ParameterStore() {
  for (const std::uint32_t id : ids_) ids().give(id);
}

template <class T>
Parameter<T>& ParameterStore<T>::add(const std::string& path, Tensor<T> value) {
  ids_.push_back(ids().take());
  Parameter<T>& made = parameters.emplace_back(path, std::move(value), *this, ids_.back());
  by_path[path] = &made;
  return made;
}

template <class T>
void ParameterStore<T>::zero_gradients() {
  for (Parameter<T>& parameter : parameters) parameter.has_gradient = false;
  gradients_of = 0;
}

}  // namespace detail

template <class T>
Parameter<T>& Registry<T>::parameter(const std::string& path, const Shape& shape, const std::function<Tensor<T>()>& initial,
                                     const ParameterOrigin& origin) {
  if (const auto found = store_->by_path.find(path); found != store_->by_path.end()) {
    if (!(found->second->shape() == shape))
      wrong_argument("parameter: ", path, " is ", found->second->shape(), ", asked for as ", shape,
                     ": shared ones must have one shape");
    if (!origin.shared) refuse_twice(path, found->second->place, origin.place);
    return *found->second;
  }
  if (path.empty() || path.find(':') != std::string::npos || !is_utf8(path))
    wrong_argument("parameter: path ", in_quotes(path), ": must be UTF-8, not empty, and without a colon");
  Tensor<T> value = initial();
  if (!(shape_of(value) == shape))
    wrong_argument("parameter: ", path, " is to be ", shape, ", its initial value is ", shape_of(value));
  Parameter<T>& made = store_->add(path, std::move(value));
  made.kind = origin.kind;
  made.place = origin.place;
  return made;
}

template <class T>
Parameter<T>& Registry<T>::at(std::string_view path) {
  const auto found = store_->by_path.find(path);
  if (found == store_->by_path.end()) wrong_argument("parameter: there is no ", path);
  return *found->second;
}

template <class T>
const Parameter<T>& Registry<T>::at(std::string_view path) const {
  return const_cast<Registry&>(*this).at(path);
}

template <class T>
std::size_t Registry<T>::freeze(std::string_view prefix, bool frozen) {
  std::size_t count = 0;
  for (Parameter<T>& parameter : store_->parameters)
    if (lies_below(parameter.path, prefix)) {
      parameter.frozen = frozen;
      ++count;
    }
  if (count == 0) wrong_argument("freeze: no parameter is or lies below ", prefix);
  return count;
}

template <class T>
Index Registry<T>::elements() const {
  Index sum = 0;
  for (const Parameter<T>& parameter : store_->parameters) sum += parameter.shape().size();
  return sum;
}

template <class T>
std::string Registry<T>::summary() const {
  std::size_t path_width = 5, shape_width = 5;
  for (const Parameter<T>& parameter : store_->parameters) {
    path_width = std::max(path_width, parameter.path.size());
    shape_width = std::max(shape_width, text(parameter.shape()).size());
  }
  auto line = [&](std::string path, std::string shape, const std::string& count, const char* note) {
    path.resize(path_width + 2, ' ');
    shape.resize(shape_width + 2, ' ');
    return path + shape + std::string(count.size() < 10 ? 10 - count.size() : 0, ' ') + count + note + '\n';
  };
  std::string out;
  for (const Parameter<T>& parameter : store_->parameters)
    out += line(parameter.path, text(parameter.shape()), std::to_string(parameter.shape().size()),
                parameter.frozen ? "  frozen" : "");
  return out + line("total", "", std::to_string(elements()), "");
}

template <class T>
void Scope<T>::add_line(const char* file, int line) {
  const std::string_view path = file;
  const std::string here = join(path.substr(path.rfind('/') + 1), ':', line);
  if (!place_.ends_with(here)) place_ += (place_.empty() ? "" : std::string(within)) + here;
}

template <class T>
Scope<T> Scope<T>::operator/(const ScopeName& name) const {
  Scope scope = *this;
  scope.path_ = below(path_, name.text);
  scope.kind_.clear();
  scope.add_line(name.file, name.line);
  return scope;
}

template <class T>
Scope<T> Scope<T>::shared() const {
  Scope scope = *this;
  scope.shared_ = true;
  return scope;
}

template <class T>
Scope<T> Scope<T>::of(std::string_view kind) const {
  Scope scope = *this;
  scope.kind_ = kind;
  return scope;
}

template <class T>
Param<T> Scope<T>::parameter(std::string_view name, const Shape& shape,
                             const std::function<Tensor<T>(const Shape&, Random&)>& init) const {
  return registry_->parameter(below(path_, name), shape, [&] { return init(shape, *random_); }, {kind_, place_, shared_});
}

template class Parameter<float>;
template class Parameter<double>;
template class detail::ParameterStore<float>;
template class detail::ParameterStore<double>;
template class Registry<float>;
template class Registry<double>;
template class Scope<float>;
template class Scope<double>;

}  // namespace carousel
