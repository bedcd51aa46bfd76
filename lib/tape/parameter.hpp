#pragma once
/// Parameters: tensors that are trained, in a registry that owns them, by path.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <carousel/lib/tape/tape.hpp>

namespace carousel {

template <class T>
class Registry;

/// A tensor that is trained. Its gradient belongs to the last backward() that used its registry; a parameter which that did not
/// reach counts as zero.
template <class T>
struct Parameter {
  std::string path;
  Tensor<T> value;
  Tensor<T> gradient;  // meaningful while has_gradient
  Registry<T>* registry = nullptr;
  bool has_gradient = false;  // the last backward() of its registry reached it
  bool frozen = false;        // receives no gradient, is not updated
  std::uint32_t id = 0;       // unique among living parameters of the process
  std::uint64_t version = 0;  // counts changes of the value; whoever changes it adds one

  Shape shape() const { return shape_of(value); }
};

/// True if a path is `prefix` or lies below it: "lstm" covers lstm and lstm/wx, not lstm2; "" covers all.
bool lies_below(std::string_view path, std::string_view prefix);

/// A handle to a parameter of a registry, which must outlive it; stands wherever a Var may.
template <class T>
class Param {
 public:
  Param(Parameter<T>& parameter) : parameter_(&parameter) {}
  Parameter<T>& operator*() const { return *parameter_; }
  Parameter<T>* operator->() const { return parameter_; }

 private:
  Parameter<T>* parameter_;
};

/// Parameters by path ("lstm/wx"), in the order of their making.
template <class T>
class Registry {
 public:
  Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry();

  /// The parameter of that path: made by `initial()` if it is new; one that exists is shared. Throws std::invalid_argument when
  /// that one has another shape, or a path that is new is empty, is not UTF-8, or has a colon (in files that marks what is not a
  /// parameter).
  Parameter<T>& parameter(const std::string& path, const Shape& shape, const std::function<Tensor<T>()>& initial);
  /// The parameter of that path; throws std::invalid_argument if there is none.
  Parameter<T>& at(std::string_view path);
  const Parameter<T>& at(std::string_view path) const;
  bool contains(std::string_view path) const { return by_path_.contains(path); }

  /// Freezes (or thaws) every parameter whose path is `prefix` or lies below it; returns how many. Throws std::invalid_argument
  /// if there is none.
  std::size_t freeze(std::string_view prefix, bool frozen = true);
  /// Forgets all gradients.
  void zero_gradients();

  std::size_t size() const { return parameters_.size(); }
  /// Number of elements of all parameters.
  Index elements() const;
  /// A table of paths, shapes, numbers of elements, and their sum.
  std::string summary() const;

  auto begin() { return parameters_.begin(); }
  auto end() { return parameters_.end(); }
  auto begin() const { return parameters_.begin(); }
  auto end() const { return parameters_.end(); }

 private:
  std::deque<Parameter<T>> parameters_;  // in the order of their making, at fixed addresses
  std::map<std::string, Parameter<T>*, std::less<>> by_path_;
};

/// A place in a registry where a model puts its parameters, with the generator that initialises them:
///
///     Registry<float> registry;  Random random(1);
///     Lstm<float> lstm(Scope(registry, random) / "lstm", 10, 20);      // makes lstm/wx, lstm/wh, lstm/b
template <class T>
class Scope {
 public:
  Scope(Registry<T>& registry, class Random& random, std::string path = "")
      : registry_(&registry), random_(&random), path_(std::move(path)) {}

  /// The place below this one.
  Scope operator/(std::string_view name) const;
  Registry<T>& registry() const { return *registry_; }
  Random& random() const { return *random_; }
  const std::string& path() const { return path_; }

  /// The parameter `name` of this place, made by `init(shape, random)` if it is new.
  Param<T> parameter(std::string_view name, const Shape& shape,
                     const std::function<Tensor<T>(const Shape&, Random&)>& init) const;

 private:
  Registry<T>* registry_;
  Random* random_;
  std::string path_;
};

extern template class Registry<float>;
extern template class Registry<double>;
extern template class Scope<float>;
extern template class Scope<double>;

}  // namespace carousel
