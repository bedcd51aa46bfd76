#pragma once
/// The weights of a table's net as text, in the files of WhydahGally-LSTM-MLP.

#include <string>

#include <carousel/tasks/table/model.hpp>

namespace carousel {

/// Writes weightsG.txt, weightsI.txt, weightsF.txt and weightsO.txt, a line for each unit with its weights of the columns and
/// then of the outputs before, and biasG.txt … biasO.txt, a line for each unit. With a read-out also weightsReadout.txt and
/// biasReadout.txt, and what is taken from each column and what it is divided by, columnsMean.txt and columnsScale.txt. Numbers
/// have as many digits as it takes to read the same ones again. Throws std::invalid_argument for a net that is not one layer of
/// `lstm` or `lstm-linear`, std::runtime_error for files that cannot be written.
void export_weights(Registry<float>& registry, const TableOptions& options, const std::string& folder);

/// Throws what export_weights would, before there is something to write; nothing is written but the folder.
void check_export(Registry<float>& registry, const TableOptions& options, const std::string& folder);

/// Reads them. Throws as export_weights does, and std::runtime_error, with file, line and column, for what is no number and files
/// with too few or too many; no parameter has changed then.
void import_weights(Registry<float>& registry, const TableOptions& options, const std::string& folder);

}  // namespace carousel
