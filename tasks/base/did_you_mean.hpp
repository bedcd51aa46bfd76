#pragma once
/// The word that somebody meant.

#include <string>
#include <vector>

namespace carousel {

/// The nearest of `words`, as " (did you mean gru?)", if it is near enough: a letter or two are wrong, missing, too many or have
/// changed places, capital letters do not count; "peephole" is near to "lstm-peephole", whose part it is. A word that other
/// programs have for it comes first: for --lr " (here it is --rate)".
std::string did_you_mean(const std::string& word, const std::vector<std::string>& words);

/// Throws std::invalid_argument: "graph: gur (did you mean gru?): must be one of lstm, gru". `before` is what stands before the
/// word: "graph: " or "--cell ".
[[noreturn]] void refuse_word(const std::string& before, const std::string& word, const std::vector<std::string>& words);

}  // namespace carousel
