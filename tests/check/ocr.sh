#!/usr/bin/env bash
# The task ocr from outside: small trainings on digits without jitter, what they save, pictures of a user's, broken ones.
# CAROUSEL_PROGRAM names the program.
set -uo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." || exit 2
# shellcheck source=tests/program.sh
source tests/program.sh

small=(--quiet --jitter 0 --hidden 48 --channels 8 --batch 16)

# Each head learns to read. Chance has a line right once in 1,000 to 100,000, and a digit, at the right place, once in 10.
run train ocr "${small[@]}" --head ctc --images 1600 --epochs 2 --out ctc
check 'ctc: ends with 0' test "$code" = 0
check 'ctc: the result line' out_matches '^result: ocr string_accuracy=[0-9.]+ character_accuracy=[0-9.]+ \((not better than )?a uniform guess: 0.0001233\)$'
check 'ctc: reads' at_least character_accuracy 0.8
run train ocr "${small[@]}" --images 2400 --epochs 3 --out attention
check 'attention: reads' at_least character_accuracy 0.8
check 'attention: eight images are left to try it on' test "$(find "$work/attention/examples" -name '[1-8]-[0-9]*.png' | wc -l)" = 8
run train ocr "${small[@]}" --head both --attention multiplicative --cell lstm --images 2400 --epochs 2 --out both
check 'both heads: the result line' out_matches \
  '^result: ocr string_accuracy=[0-9.]+ character_accuracy=[0-9.]+ ctc_string_accuracy=[0-9.]+ ctc_character_accuracy=[0-9.]+ \((not better than )?a uniform guess: 0.0001233\)$'
check 'both heads: CTC reads' at_least ctc_character_accuracy 0.8

# Pictures: the name of an example tells what it shows.
shown=0
for image in "$work"/ctc/examples/*.png; do
  run eval ctc --input "$image"
  digits=${image##*-}
  [[ $(head -n 1 "$work/out") == "${digits%.png}" ]] && shown=$((shown + 1))
done
check "eval --input: reads at least six of eight examples, it was $shown" test "$shown" -ge 6
check 'eval --input: says how sure it is' out_matches '^result: ocr digits=[0-9]+ probability=[01][0-9.e-]*$'
run sample attention --seed 7
check 'sample: an image, what it shows, what is read' test \
  "$(grep -cE '^(image:  attention/sample-7.png|(shows|read): +[0-9]+)$' "$work/out")/$code" = 3/0
run eval attention --input attention/sample-7.png
check 'sample: the image can be read again' test "$code" = 0

# One line for pictures that are none.
expect_error 'read none.png: No such file or directory: must be a readable file' eval ctc --input none.png
: >"$work/empty.png"
expect_error 'read empty.png: does not begin as a PNG does: must be one' eval ctc --input empty.png
echo 'P5 a portable grey map' >"$work/text.png"
expect_error 'read text.png: is a PGM file, and only PNG is read; ImageMagick makes one: convert text.png NEW.png' eval ctc --input text.png
head -c 200 "$work/attention/sample-7.png" >"$work/part.png"
run eval ctc --input part.png
check 'a PNG that ends too early: one line' test "$code/$(grep -c '^carousel: read part.png: .*: must be a whole PNG$' "$work/err")/$(wc -l <"$work/err")" = 2/1/1
# 60,000 x 60,000 pixels, as its header says: IHDR with its check sum.
printf '\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\xea\x60\x00\x00\xea\x60\x08\x00\x00\x00\x00%b' "$(
  printf 'IHDR\x00\x00\xea\x60\x00\x00\xea\x60\x08\x00\x00\x00\x00' | gzip -c | tail -c 8 | head -c 4 | od -An -tx1 |
    awk '{ printf "\\x%s\\x%s\\x%s\\x%s", $4, $3, $2, $1 }')" >"$work/huge.png"
printf '\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e' >>"$work/huge.png"
expect_error 'read huge.png: is of 60000 x 60000 pixels: must be at most 67108864' eval ctc --input huge.png

# A seed decides all; a training that is resumed ends as the one that was not stopped.
tiny=(--quiet --hidden 8 --channels 2 --batch 20 --images 200)
run train ocr "${tiny[@]}" --epochs 2 --schedule constant --out straight
run train ocr "${tiny[@]}" --epochs 1 --schedule constant --out stopped
run train ocr --epochs 2 --resume stopped --threads 2 --quiet
check 'a training that is resumed ends with the same bits, on two threads too' same_bits straight/last.safetensors stopped/last.safetensors

# Fonts and other options that can not be.
mkdir "$work/fonts"
expect_error '--fonts fonts: has no *.ttf or *.otf: must be a folder of fonts' train ocr --fonts fonts
echo 'not a font' >"$work/fonts/a.ttf"
expect_error 'read fonts/a.ttf: must be a font, TrueType or OpenType' train ocr --fonts fonts
cp /usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf "$work/fonts/a.ttf"
run train ocr "${tiny[@]}" --epochs 1 --fonts fonts --out serif
cp "$work/out" "$work/trained"
run eval serif
check 'a folder of fonts: eval finds what the training found' same_bits out trained
cp /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf "$work/fonts/a.ttf"
expect_error 'serif/last.safetensors: saved for other data than images of 3 to 5 digits in a: must be the same to go on' train ocr --resume serif --epochs 2
expect_error '--head some: must be one of attention, ctc, both' train ocr --head some
expect_error '--jitter 2: must be a number of 0 to 1' train ocr --jitter 2

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
