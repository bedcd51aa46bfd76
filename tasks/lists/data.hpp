#pragma once
/// Lists of whole numbers, and what is to be made of them: the data of the tasks copy, reverse and sort.

#include <set>
#include <span>
#include <string>
#include <vector>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

using List = std::vector<Index>;

/// What is to be made of a list.
enum class ListTask { copy, reverse, sort, sort_as_strings };

/// The list as it should come out. sort_as_strings compares digits from the left, so that 10 comes before 2.
List solution(ListTask task, List list);

/// `length` distinct numbers of 0 … range − 1, each such list equally likely. Throws std::invalid_argument unless
/// 1 ≤ length ≤ range.
List draw_list(Random& random, Index length, Index range);

/// Lists to validate and to test on, and any number of others to train on.
class ListData {
 public:
  /// Draws the lists that are held out. Throws std::invalid_argument unless 1 ≤ length ≤ range, or if there are too few
  /// different lists of that kind.
  ListData(const Random& random, Index length, Index range);

  /// 500 of them.
  const std::vector<List>& validation() const { return validation_; }
  /// 2,000 others.
  const std::vector<List>& test() const { return test_; }
  /// List number n to train on, the same for the same n: none of those that are held out.
  List training(Index n) const;

 private:
  Random random_;
  Index length_, range_;
  std::vector<List> validation_, test_;
  std::set<List> held_out_;
};

/// Reads a file of lists, one a line, its numbers apart by blanks or commas; lines without any are passed over. Throws
/// std::runtime_error, with file and line, for what is no number of 0 … range − 1, and if there is no list.
std::vector<List> read_lists(const std::string& path, Index range);
/// Numbers of the longest list that is read from outside: the decoder's memory of one grows with their square, to 0.2 GB here.
inline constexpr Index longest_list = 1000;
/// The numbers of one line; `where` is what errors begin with.
List parse_list(const std::string& line, Index range, const std::string& where);

/// "3 1 2"
std::string words(std::span<const Index> list);

/// Lists of one length side by side: [length, lists], row by row.
std::vector<Index> side_by_side(std::span<const List> lists);

}  // namespace carousel
