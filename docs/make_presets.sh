#!/usr/bin/env bash
# Make the shipped presets again from the raw sets: docs/make_presets.sh SLR SETS, in a checkout.
# Takes about half an hour on two CPU cores. Commands that have their result are cheap to repeat.
set -euo pipefail
slr=$1 sets=$2
prepared() { [ -d "$1" ]; }

prepared data/traduttore_words || "$slr" prepare traduttore_asl --from "$sets/traduttore_asl" --to data/traduttore_words --dev-gap 0.1
prepared data/asl_letters || "$slr" prepare traduttore_asl --part letters --from "$sets/traduttore_asl" --to data/asl_letters --dev-gap 0.1
prepared data/signwish || "$slr" prepare asl_signwish --from "$sets/asl_signwish" --to data/signwish
prepared data/asl_words || "$slr" prepare merge data/traduttore_words data/signwish --to data/asl_words --without - b c e f g h j k l s t u v w x y z
prepared data/ksl_words || "$slr" prepare ksl13 --from "$sets/ksl13" --to data/ksl_words --test-session none --dev-session s3
prepared data/traduttore_apart || "$slr" prepare traduttore_asl --from "$sets/traduttore_asl" --to data/traduttore_apart --dev-fraction 0.15 --test-fraction 0.15
prepared data/signwish_apart || "$slr" prepare asl_signwish --from "$sets/asl_signwish" --to data/signwish_apart --dev-fraction 0.15 --test-fraction 0.15
prepared data/asl_sentences || "$slr" prepare compose data/traduttore_apart data/signwish_apart --to data/asl_sentences --rest-label - --without b c e f g h j k l s t u v w x y z

for name in asl_words asl_letters; do
  "$slr" fit "$name" --seeds 3 --distil
  "$slr" evaluate "runs/$name/distilled" --split test
  for baseline in svm dtw; do
    "$slr" baseline "$baseline" "data/$name" --mirror always --train-on-dev --to "runs/$name/$baseline.jsonl"
  done
done
"$slr" fit ksl_words --seeds 3 --distil
"$slr" benchmark sets --from "$sets" --to runs/sets --only ksl13 --models "sign_conv, small" --seeds 1
"$slr" fit asl_words_live
"$slr" evaluate runs/asl_words_live --split test
"$slr" evaluate runs/asl_words_live --split rest

models=slr_keras/hub/models
"$slr" preset runs/asl_words/distilled configs/presets/asl-words.yaml --frames 64 --to "$models/asl-words"
"$slr" preset runs/asl_letters/distilled configs/presets/asl-letters.yaml --frames 64 --to "$models/asl-letters"
"$slr" preset runs/ksl_words/distilled configs/presets/ksl-words.yaml --frames 64 --to "$models/ksl-words"
"$slr" preset runs/asl_words_live configs/presets/asl-words-live.yaml --frames 320 --streaming --to "$models/asl-words-live"
"$slr" encoder configs/encoders/sign-encoder.yaml data/traduttore_words data/signwish data/ksl_words --to slr_keras/hub/encoders/sign-encoder
