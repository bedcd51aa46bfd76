#pragma once
/// What a call says when it refuses.

#include <exception>
#include <string>

/// The text of the error that a call throws, nothing if it throws none; one of another type goes on.
template <class Error, class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}
