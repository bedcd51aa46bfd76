#include <carousel/lib/look/watch.hpp>

#include <algorithm>

namespace carousel {

template <class T>
std::vector<const Watched<T>*> Recorder<T>::of(std::string_view name, const Place& where) const {
  std::vector<const Watched<T>*> found;
  for (const Watched<T>& watched : all_) {
    Place place = where;
    place.step = watched.place.step;
    if (watched.name == name && watched.place == place) found.push_back(&watched);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Watched<T>* a, const Watched<T>* b) { return a->place.step < b->place.step; });
  return found;
}

template <class T>
void Recorder<T>::hear(std::string_view name, Var<T> v, std::vector<std::uint32_t> nodes) {
  if (!options_.values) return;
  Tape<T>& tape = Tape<T>::active();
  Watched<T>& watched =
      all_.emplace_back(Watched<T>{.name = std::string(name), .place = here, .value = v.value(), .nodes = std::move(nodes)});
  const Shape shape = v.shape();
  if (const auto batch = static_cast<Index>(here.lengths.size()); batch > 0 && shape.rank() > 0 && shape[0] == batch) {
    const Index size = shape.size() / batch;
    for (Index i = 0; i < batch; ++i)
      if (here.step >= here.lengths[static_cast<std::size_t>(i)]) std::fill_n(watched.value.data() + i * size, size, T(0));
  }
  if (!options_.gradients || !tape.node(v).needs_gradient) return;
  tape.keep_gradient(v);
  kept_.emplace_back(all_.size() - 1, v);
}

template <class T>
void Recorder<T>::read_gradients() {
  for (const auto& [number, v] : kept_) all_[number].gradient = Tape<T>::active().gradient(v);
  kept_.clear();
}

template <class T>
void Recorder<T>::clear() {
  all_.clear();
  kept_.clear();
}

template class Recorder<float>;
template class Recorder<double>;

}  // namespace carousel
