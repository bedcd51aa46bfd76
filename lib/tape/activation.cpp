#include <carousel/lib/tape/tape.hpp>

namespace carousel {

namespace {

/// At the end of a thread, tells the places in its list that there is no list any more.
template <class T>
struct Farewell {
  ~Farewell() {
    for (detail::ActiveEntry<T>* entry = detail::Thread<T>::here().top; entry; entry = entry->below) entry->thread = nullptr;
    detail::Thread<T>::here() = {};
  }
};

template <class T>
thread_local Farewell<T> farewell;

}  // namespace

template <class T>
void detail::ActiveEntry<T>::enter(Tape<T>& to) {
  [[maybe_unused]] const Farewell<T>& made = farewell<T>;
  tape = &to;
  thread = &Thread<T>::here();
  below = thread->top;
  next = to.entries_;
  thread->top = to.entries_ = this;
  thread->active = &to;
}

template <class T>
void detail::ActiveEntry<T>::leave() {
  const auto unlink = [this](ActiveEntry*& first, ActiveEntry* ActiveEntry::*link) {
    ActiveEntry** at = &first;
    while (*at != this) at = &((*at)->*link);
    *at = this->*link;
  };
  unlink(tape->entries_, &ActiveEntry::next);
  tape = nullptr;
  if (!thread) return;
  unlink(thread->top, &ActiveEntry::below);
  thread->active = thread->top ? thread->top->tape : nullptr;
}

template <class T>
NoGrad<T>::NoGrad(Tape<T>& tape) : tape_(&tape), next_(tape.no_grads_) {
  tape.no_grads_ = this;
  tape.recording_ = false;
}

template <class T>
NoGrad<T>::~NoGrad() {
  if (!tape_) return;
  NoGrad** at = &tape_->no_grads_;
  while (*at != this) at = &(*at)->next_;
  *at = next_;
  tape_->recording_ = !tape_->no_grads_;
}

template struct detail::ActiveEntry<float>;
template struct detail::ActiveEntry<double>;
template class NoGrad<float>;
template class NoGrad<double>;

}  // namespace carousel
