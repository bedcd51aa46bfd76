#pragma once
/// Parameters: tensors that are trained, in a registry that owns them, by path.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <carousel/lib/tape/tape.hpp>

namespace carousel {

template <class T>
class Registry;

namespace detail {
template <class T>
class ParameterStore;
}

/// A tensor that is trained. Its gradient belongs to the last backward() that used its registry; a parameter which that did not
/// reach counts as zero. It lives as long as anything refers to it: a registry, a Param, a tape that it entered, an optimiser.
template <class T>
class Parameter {
 public:
  /// A registry makes them.
  Parameter(std::string p, Tensor<T> v, detail::ParameterStore<T>& s, std::uint32_t i);
  Parameter(const Parameter&) = delete;
  Parameter& operator=(const Parameter&) = delete;

  const std::string path;
  std::string kind;   // of the layer that it is of, as that calls itself: "Lstm"; empty: it has no name for itself
  std::string place;  // the lines of the program that asked for it, from outside in: "main.cpp:12 → net.hpp:7"; empty: not known
  const Tensor<T>& value;
  Tensor<T> gradient;         // meaningful while has_gradient
  bool has_gradient = false;  // the last backward() of its registry reached it
  bool frozen = false;        // receives no gradient, is not updated

  Shape shape() const { return shape_of(value); }
  /// Gives it another value, in the memory of the one before. Throws std::invalid_argument for another shape.
  void set(const Tensor<T>& value);
  /// Its elements, row by row, to be changed now: a tape that it entered before sees that they are others.
  std::span<T> change() {
    ++version_;
    return {value_.data(), value_.size()};
  }
  /// Unique among living parameters of the process, and small.
  std::uint32_t id() const { return id_; }
  /// Counts the changes of the value.
  std::uint64_t version() const { return version_; }

 private:
  friend class Param<T>;
  friend class Tape<T>;
  Tensor<T> value_;
  detail::ParameterStore<T>& store_;
  std::uint32_t id_;
  std::uint64_t version_ = 0;
};

/// True if a path is `prefix` or lies below it: "lstm" covers lstm and lstm/wx, not lstm2; "" covers all.
bool lies_below(std::string_view path, std::string_view prefix);

/// Who asks for a parameter.
struct ParameterOrigin {
  std::string kind = {}, place = {};  ///< as in Parameter
  bool shared = false;                ///< one that is there already is meant
};

namespace detail {

/// The parameters of a registry, which share their life with all that refers to one of them.
template <class T>
class ParameterStore : public std::enable_shared_from_this<ParameterStore<T>> {
 public:
  ParameterStore() = default;
  ParameterStore(const ParameterStore&) = delete;
  ParameterStore& operator=(const ParameterStore&) = delete;
  ~ParameterStore();

  Parameter<T>& add(const std::string& path, Tensor<T> value);
  void zero_gradients();

  std::deque<Parameter<T>> parameters;  // in the order of their making, at fixed addresses
  std::map<std::string, Parameter<T>*, std::less<>> by_path;
  std::uint64_t gradients_of = 0;  // the tape whose backward() alone the gradients are, by its serial; 0: of several, or none

 private:
  std::vector<std::uint32_t> ids_;
};

}  // namespace detail

/// A handle to a parameter, which it keeps alive; stands wherever a Var may.
template <class T>
class Param {
 public:
  Param(Parameter<T>& parameter) : parameter_(parameter.store_.shared_from_this(), &parameter) {}
  Parameter<T>& operator*() const { return *parameter_; }
  Parameter<T>* operator->() const { return parameter_.get(); }

 private:
  std::shared_ptr<Parameter<T>> parameter_;
};

template <class T>
class Optimizer;

/// Parameters by path ("lstm/wx"), in the order of their making.
template <class T>
class Registry {
 public:
  Registry() : store_(std::make_shared<detail::ParameterStore<T>>()) {}
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// The parameter of that path: made by `initial()` if it is new; one that exists is given out again where origin.shared asks
  /// for that. Throws std::invalid_argument when it does not, or that one has another shape, or a path that is new is empty, is
  /// not UTF-8, or has a colon (in files that marks what is not a parameter).
  Parameter<T>& parameter(const std::string& path, const Shape& shape, const std::function<Tensor<T>()>& initial,
                          const ParameterOrigin& origin = {});
  /// The parameter of that path; throws std::invalid_argument if there is none.
  Parameter<T>& at(std::string_view path);
  const Parameter<T>& at(std::string_view path) const;
  bool contains(std::string_view path) const { return store_->by_path.contains(path); }

  /// Freezes (or thaws) every parameter whose path is `prefix` or lies below it; returns how many. Throws std::invalid_argument
  /// if there is none.
  std::size_t freeze(std::string_view prefix, bool frozen = true);
  /// Forgets all gradients.
  void zero_gradients() { store_->zero_gradients(); }

  std::size_t size() const { return store_->parameters.size(); }
  /// Number of elements of all parameters.
  Index elements() const;
  /// A table of paths, shapes, numbers of elements, and their sum.
  std::string summary() const;

  auto begin() { return store_->parameters.begin(); }
  auto end() { return store_->parameters.end(); }
  auto begin() const { return std::as_const(*store_).parameters.begin(); }
  auto end() const { return std::as_const(*store_).parameters.end(); }

 private:
  friend class Optimizer<T>;
  explicit Registry(std::shared_ptr<detail::ParameterStore<T>> store) : store_(std::move(store)) {}

  std::shared_ptr<detail::ParameterStore<T>> store_;
};

/// A name of a place in a registry, and the line of the program that it stands in.
struct ScopeName {
  std::string_view text;
  const char* file;
  int line;

  ScopeName(const char* name, const char* f = __builtin_FILE(), int l = __builtin_LINE()) : text(name), file(f), line(l) {}
  ScopeName(const std::string& name, const char* f = __builtin_FILE(), int l = __builtin_LINE()) : text(name), file(f), line(l) {}
  ScopeName(std::string_view name, const char* f = __builtin_FILE(), int l = __builtin_LINE()) : text(name), file(f), line(l) {}
};

/// A place in a registry where a model puts its parameters, with the generator that initialises them:
///
///     Registry<float> registry;  Random random(1);
///     Lstm<float> lstm(Scope(registry, random) / "lstm", 10, 20);      // makes lstm/wx, lstm/wh, lstm/b
///
/// A place is one layer's; a second layer has the same weights only where that is asked for:
///
///     Linear<float> back(p / "embedding", 20, 10), again((p / "embedding").shared(), 20, 10);
template <class T>
class Scope {
 public:
  Scope(Registry<T>& registry, class Random& random, std::string path = "", const char* file = __builtin_FILE(),
        int line = __builtin_LINE())
      : registry_(&registry), random_(&random), path_(std::move(path)) {
    add_line(file, line);
  }

  /// The place below this one.
  Scope operator/(const ScopeName& name) const;
  /// The same place, where parameters that exist are meant: the weights of both layers are the same ones.
  Scope shared() const;
  /// The same place, for the parameters of a layer of that kind: its name, "Lstm".
  Scope of(std::string_view kind) const;
  Registry<T>& registry() const { return *registry_; }
  Random& random() const { return *random_; }
  const std::string& path() const { return path_; }

  /// The parameter `name` of this place, made by `init(shape, random)` if it is new. Throws std::invalid_argument, with both
  /// places in the program, if it is there already and not shared().
  Param<T> parameter(std::string_view name, const Shape& shape,
                     const std::function<Tensor<T>(const Shape&, Random&)>& init) const;

 private:
  void add_line(const char* file, int line);

  Registry<T>* registry_;
  Random* random_;
  std::string path_, kind_, place_;
  bool shared_ = false;
};

extern template class Parameter<float>;
extern template class Parameter<double>;
extern template class Registry<float>;
extern template class Registry<double>;
extern template class Scope<float>;
extern template class Scope<double>;

}  // namespace carousel
