#include <carousel/tasks/commands/glossary.hpp>

#include <cctype>

#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

/// Letters and digits alone, small: "Truncated B.P.T.T." is "truncatedbptt".
std::string key_of(std::string_view name) {
  std::string key;
  for (const char letter : name)
    if (std::isalnum(static_cast<unsigned char>(letter))) key += letter;
  return lowered(key);
}

}  // namespace

const std::vector<Term>& glossary() {
  static const std::vector<Term> terms = {
      {"recurrent network", "rnn, recurrent neural network, recurrent net, simple recurrent network, vanilla rnn",
       "A net that reads a sequence step by step and carries a state from each step to the next, so that an answer can depend on "
       "what was read before. The simplest one is h' = tanh(x Wx + h Wh + b): --cell rnn-tanh. It fails where something must be "
       "remembered over many steps, say 100, because of its vanishing gradient."},
      {"cell", "recurrent cell, unit",
       "The formula that makes the next state from an input and the state before: lstm, gru, rnn-tanh and others. `carousel "
       "list` "
       "names them, `carousel explain lstm` shows equations and code, --cell chooses one."},
      {"hidden state", "state, hidden, memory",
       "What a recurrent net carries from step to step. An LSTM has two parts: c, the cell, which remembers, and h, the output, "
       "which the next layer sees. --hidden sets how many numbers each has."},
      {"LSTM", "long short term memory",
       "A cell that remembers by adding: c' = f∘c + i∘g. The forget gate f says what part of the memory stays, the input gate i "
       "how "
       "much of the candidate g is added, the output gate o how much of it is seen. `carousel explain lstm` has all equations."},
      {"gate", "input gate, output gate, gates",
       "A number between 0 and 1, made by a sigmoid, that another number is multiplied by: 0 shuts, 1 opens. An LSTM has an "
       "input "
       "gate, a forget gate and an output gate for each of its units."},
      {"forget gate", "forgetting, what forgets, forget, forget bias",
       "The gate f that an LSTM's memory is multiplied by at each step, c' = f∘c + i∘g: it is what forgets. At 1 all is kept, at "
       "0 "
       "all is lost. Its bias starts at 1, so that a new net remembers (Gers, Schmidhuber, Cummins 2000)."},
      {"constant error carousel", "cec, carousel, error carousel",
       "The path c' = f∘c + … of an LSTM while f is near 1: the gradient that comes back along it is multiplied by about 1 at "
       "each "
       "step, so it neither vanishes nor explodes (Hochreiter & Schmidhuber 1997). This program is named after it."},
      {"gradient", "derivative, gradients, backpropagation, autograd",
       "How the loss changes with each parameter. Training moves every parameter a little against its gradient. Here it is found "
       "by reverse-mode differentiation of the recorded operations."},
      {"gradient check", "gradcheck, numeric gradient, when is a gradient right, correct gradient",
       "A proof that gradients are right: each is compared with (L(w + ε) − L(w − ε)) / 2ε in double precision. A relative error "
       "below about 1e-6 is right, above 1e-3 wrong. `carousel gradcheck lstm` does it for a cell."},
      {"vanishing gradient", "fading gradient, vanishing, why simple networks fail, long range",
       "In a simple recurrent net the gradient is multiplied by Wh and by the slope of tanh at every step back. Where these are "
       "below 1 the product falls exponentially: after 100 steps nothing is left, and the net cannot learn from what it read "
       "then (Hochreiter 1991; Bengio et al. 1994). Remedy: --cell lstm or gru."},
      {"exploding gradient", "exploding, explosion, exploded loss",
       "The same product grows exponentially where its factors are above 1: one step throws the parameters far away, and the "
       "loss "
       "becomes huge or no number. Remedy: --clip 1, or a smaller --rate."},
      {"gradient clipping", "clip, clipping, gradient norm",
       "A gradient whose norm is above a bound is scaled down to it, so that a single steep step does no harm (Pascanu, Mikolov, "
       "Bengio 2013). Option: --clip."},
      {"saturated gate", "saturation, saturated, saturated gates",
       "A gate that stands at 0 or 1 for every input. The slope of the sigmoid is almost 0 there, so no gradient comes through "
       "and "
       "the gate cannot learn any more. It comes from too large steps. Remedy: a smaller --rate, or --clip."},
      {"dead unit", "dead units, dead relu, dying relu",
       "A unit of rnn-relu that is 0 for every input: its gradient is 0, so it stays so. Remedy: a smaller --rate, or another "
       "cell."},
      {"truncated BPTT", "bptt, truncated backpropagation through time, backpropagation through time, tbptt",
       "A long sequence is cut into pieces of --steps steps. The state goes on from piece to piece, but the gradient stops at "
       "the "
       "start of each (Williams & Peng 1990): longer dependencies get no gradient. In the task text --steps sets it."},
      {"loss", "cost, objective, train loss, training loss",
       "The one number that training makes smaller: cross-entropy for classes and characters, mean squared error for numbers."},
      {"cross-entropy", "nll, negative log likelihood, log loss, cross entropy loss",
       "−ln of the probability that the net gave to what came, on average. Guessing evenly among n classes costs ln n."},
      {"nats", "nat, nats per character, 1.68 nats",
       "The unit of a loss by natural logarithm: a loss of 1.68 nats per character means that the right character got e^−1.68, "
       "about 19 %, in the geometric mean. Guessing evenly among 65 characters costs ln 65 = 4.17 nats. One nat is 1.44 bits."},
      {"bits per character", "bpc, bits, bit",
       "The loss in bits, loss / ln 2: how many bits a perfect compressor would need per character with this net. Guessing "
       "evenly "
       "among 65 characters costs 6.02 bits; English costs people about 1."},
      {"perplexity", "ppl",
       "e^loss: among how many equally likely characters the net seems to choose. Guessing evenly among 65 has perplexity 65; "
       "1 is certainty."},
      {"baseline", "majority class, naive forecast, always the mean, not better than",
       "A guess that needs no net: the most frequent class, the mean, the last value, the frequency of characters. A result says "
       "more only as far as it is better. Each result line names its baseline, and says \"not better than\" where it is not."},
      {"skill", "skill score",
       "The part of the best baseline's error that the net takes away, 1 − mse / mse of the baseline: 1 is perfect, 0 is no "
       "better "
       "than the baseline, below 0 is worse."},
      {"epoch", "epochs, pass", "One pass over the training data. --epochs sets how many there are."},
      {"batch", "minibatch, mini-batch, batch size",
       "The examples whose gradients are averaged for one step. --batch sets how many; more are steadier and slower."},
      {"learning rate", "rate, lr, step size",
       "How far a step moves the parameters. Ten times too high, the loss jumps or explodes; ten times too low, it hardly moves. "
       "Option: --rate."},
      {"schedule", "learning rate schedule, warm-up, cosine",
       "How the learning rate changes during training: --warm-up steps in which it rises, then constant, or down along a cosine "
       "to "
       "--final-rate."},
      {"optimizer", "adam, sgd, rmsprop, momentum",
       "The rule that turns gradients into steps: sgd, momentum, rmsprop, adam (Kingma & Ba 2015). Option: --optimizer."},
      {"validation", "validation set, validation loss, held-out, held out, val",
       "Data that is not trained on, measured after each epoch to see which epoch is the best; its weights are kept as "
       "best.safetensors. The test data is touched once, at the end."},
      {"overfitting", "overfit, memorising, learned by heart",
       "The net learns its examples by heart: the training loss still falls while the validation loss rises. The report shows "
       "both "
       "curves in one picture, and a warning says so. Remedy: --patience 3, --dropout 0.3, a smaller --hidden, more data."},
      {"early stopping", "patience",
       "Training ends after --patience epochs without a better validation. The best weights are kept in any case."},
      {"dropout", "regularisation, regularization",
       "In training a random share of a layer's outputs is set to 0, so that no unit relies on a single other one (Srivastava et "
       "al. 2014). Option: --dropout."},
      {"embedding", "embeddings, lookup table",
       "A vector of parameters for each character or word, which the net reads in its place."},
      {"teacher forcing", "forcing, exposure bias",
       "While it trains, a net that writes a sequence reads the right item of the step before, not its own answer. In use it "
       "reads "
       "its own answers. Option of copy, reverse and sort: --teacher-forcing."},
      {"attention", "attention weights",
       "At each step that is written, a weighted mean over all that was read; the weights say where the net looks. "
       "`carousel explain attention` has the equations."},
      {"temperature", "sampling, argmax",
       "What the logits are divided by before a character is drawn: below 1 likely ones come more often, above 1 less. "
       "--temperature; --argmax always takes the likeliest."},
      {"seed", "random seed, reproducible",
       "The number that all random numbers start from. The same seed, options and program give the same bits."},
  };
  return terms;
}

const Term* find_term(std::string_view name) {
  const std::string key = key_of(name);
  if (key.empty()) return nullptr;
  for (const Term& term : glossary())
    if (key_of(term.name) == key) return &term;
  for (const Term& term : glossary())
    for (const std::string& synonym : split(term.synonyms, ","))
      if (key_of(synonym) == key) return &term;
  return nullptr;
}

}  // namespace carousel
