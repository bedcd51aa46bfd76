#pragma once
/// Implementations side by side: they take turns, and the median of each counts, so that a change of the machine's speed meets
/// all of them alike.

#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "job.hpp"
#include "peer.hpp"

namespace bench {

/// What all rows share.
struct Session {
  Peers peers;
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  bool agreed = true;  // no implementation computed something else than the others

  /// The bytes by which the peak of resident memory grows in the first steps of a job, in a process of its own on one thread; NaN
  /// if the implementation is not there.
  double memory(const std::string& implementation, const std::string& job, Size size);
};

/// One size of one row.
class Comparison {
 public:
  Comparison(Session& session, std::string row, std::string cell, Size size);

  /// An implementation, if it is there: the job that stands for it, and how many units of what is reported a run of the job
  /// makes.
  void add(const std::string& implementation, int threads, const std::string& job, double units = 1);
  /// The same for something that is measured only to compare with, under a name of its own, and is not in the results.
  void add_aside(const std::string& name, const std::string& implementation, const std::string& job);
  /// carousel at another size, under the name text(size).
  void add_size(Size size, const std::string& job);
  /// The products of matrices of the implementations, aside.
  void add_peak();
  /// Checks that all compute the same; then has them take turns for so long and for five rounds, or three if they are slow.
  void run(double seconds = 2);

  /// The median in milliseconds per unit, of an implementation or a name given to add_aside(); NaN if it is not there.
  double ms(const std::string& name, int threads = 1) const;
  /// The quotient of two of them.
  double ratio(const std::string& a, const std::string& b, int threads = 1) const { return ms(a, threads) / ms(b, threads); }
  /// Billions of operations per second in the best product of matrices on one core.
  double peak_gflops() const;

 private:
  struct Contestant {
    std::string name, implementation;
    int threads;
    std::string job;
    Size size;
    double units = 1;
    bool in_results = true, is_compared = true;
    Peer* peer = nullptr;
    std::vector<double> times = {};
    double ms = 0;
  };
  void add(Contestant contestant);
  void check() const;

  Session& session_;
  std::string row_, cell_;
  Size size_;
  std::vector<Contestant> contestants_;
};

/// A table that is printed line by line.
class Table {
 public:
  /// Prints the heads of the columns.
  explicit Table(std::vector<std::string> heads);
  /// Prints a line: what it is about, then numbers, with the digits that each column was given by the head ("ms:3"); NaN as "-".
  void line(const std::string& what, std::initializer_list<double> numbers);

 private:
  std::vector<int> widths_, digits_;
};

/// "50,16,10,64"
std::string text(const Size& size);

/// The geometric mean of those that are numbers; NaN of none.
double geometric_mean(const std::vector<double>& ratios);

}  // namespace bench
