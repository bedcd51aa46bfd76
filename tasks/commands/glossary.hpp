#pragma once
/// The terms that a reader of carousel's output meets, each explained in a few sentences.

#include <string>
#include <string_view>
#include <vector>

namespace carousel {

/// A term of the field.
struct Term {
  std::string_view name;      ///< "vanishing gradient"
  std::string_view synonyms;  ///< other names, with commas between: "fading gradient, vanishing"
  std::string_view text;      ///< what it is, why it matters, and which option or command has to do with it
};

/// All terms, in the order in which a beginner meets them.
const std::vector<Term>& glossary();

/// The term of a name or synonym, whatever its capital letters, blanks and hyphens; nothing if there is none.
const Term* find_term(std::string_view name);

}  // namespace carousel
