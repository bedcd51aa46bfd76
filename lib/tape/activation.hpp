#pragma once
/// Which tape is active on a thread, and how its ops record, for as long as a scope lives. Included by tape.hpp.
///
/// Tapes and Activations of a thread form a list, and the tape of the latest is active. They may end in any order, and a tape may
/// be destroyed on another thread than its maker's, when that does not use it: whatever refers to a tape is told of its end.

#include <exception>

#include <carousel/lib/numbers/arena.hpp>

namespace carousel {

template <class T>
class Tape;

namespace detail {

template <class T>
struct ActiveEntry;
template <class T>
struct Loop;

/// The tapes that are active on one thread, one above the other.
template <class T>
struct Thread {
  Tape<T>* active = nullptr;
  ActiveEntry<T>* top = nullptr;

  static Thread& here() { return here_; }

 private:
  static constinit thread_local Thread here_;
};

template <class T>
inline constinit thread_local Thread<T> Thread<T>::here_;

/// The entry of a tape in the list of a thread.
template <class T>
struct ActiveEntry {
  Tape<T>* tape = nullptr;       // null: in no list
  Thread<T>* thread = nullptr;   // null: that has ended
  ActiveEntry* below = nullptr;  // in the list of the thread
  ActiveEntry* next = nullptr;   // of the same tape

  void enter(Tape<T>& to);
  void leave();
};

}  // namespace detail

/// Makes a tape the active one of this thread for as long as it lives: for tapes that are kept, and filled by one thread or
/// another.
template <class T>
class Activation {
 public:
  explicit Activation(Tape<T>& tape) { entry_.enter(tape); }
  ~Activation() {
    if (entry_.tape) entry_.leave();
  }
  Activation(const Activation&) = delete;
  Activation& operator=(const Activation&) = delete;

 private:
  detail::ActiveEntry<T> entry_;
};

/// While one lives, ops on the active tape of T compute and record no way back.
template <class T>
class NoGrad {
 public:
  NoGrad() : NoGrad(Tape<T>::active()) {}
  explicit NoGrad(Tape<T>& tape);
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  friend class Tape<T>;
  Tape<T>* tape_;  // null: it was destroyed
  NoGrad* next_;   // of the same tape
};

namespace detail {

/// At its end the tape forgets what was recorded since: always, or only when an exception ends it. Until then it cannot be
/// cleared.
template <class T>
class Forgetting {
 public:
  enum When { always, on_exception };
  explicit Forgetting(Tape<T>& tape, When when = always)
      : tape_(tape),
        nodes_(tape.size()),
        mark_(tape.arena().mark()),
        exceptions_(when == always ? -1 : std::uncaught_exceptions()) {
    ++tape_.uncleared_;
  }
  ~Forgetting() {
    --tape_.uncleared_;
    if (std::uncaught_exceptions() > exceptions_) tape_.rewind(nodes_, mark_);
  }
  Forgetting(const Forgetting&) = delete;
  Forgetting& operator=(const Forgetting&) = delete;

 private:
  Tape<T>& tape_;
  std::size_t nodes_;
  Arena::Mark mark_;
  int exceptions_;
};

}  // namespace detail

/// While one lives, ops on the active tape of T compute aside: no gradient goes there, a loop takes no notice, and at the end the
/// tape has forgotten it all.
template <class T>
class Aside {
 public:
  Aside() : tape_(Tape<T>::active()), no_gradient_(tape_), forgetting_(tape_), loop_(tape_.loop_) { tape_.loop_ = nullptr; }
  ~Aside() { tape_.loop_ = loop_; }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

 private:
  Tape<T>& tape_;
  NoGrad<T> no_gradient_;
  detail::Forgetting<T> forgetting_;
  detail::Loop<T>* loop_;
};

}  // namespace carousel
