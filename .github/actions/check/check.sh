#!/usr/bin/env bash
# Runs `purser check` with the action's inputs, writes the job summary and the outputs, and ends with the exit code of the check.
set -uo pipefail

arguments=("$PURSER_URL" --ring "$PURSER_RING" --profile "$PURSER_PROFILE")
arguments+=(--report json,sarif,junit,md,html --out "$PURSER_OUT")
[ -n "$PURSER_OPENAPI" ] && arguments+=(--openapi "$PURSER_OPENAPI")
[ -n "$PURSER_BASELINE" ] && arguments+=(--baseline "$PURSER_BASELINE")
[ "$PURSER_STRICT" = "true" ] && arguments+=(--strict)
while IFS= read -r line; do
  [ -n "$line" ] && arguments+=("$line")
done <<<"$PURSER_ARGUMENTS"

packages=(--package "$PURSER_PACKAGE")
# The chain of rings 2 and 3 is an optional peer of the package.
[ "$PURSER_RING" -ge 2 ] 2>/dev/null && packages+=(--package @foundry-rs/anvil@1.7.1)

# What an earlier step left there is not this one's.
rm -f -- "$PURSER_OUT/report.md" "$PURSER_OUT/report.sarif"
npx --yes "${packages[@]}" -- purser check "${arguments[@]}"
code=$?

# GitHub refuses a summary of more than 1 MiB, and shows none then.
[ -f "$PURSER_OUT/report.md" ] && head -c 900000 "$PURSER_OUT/report.md" >>"$GITHUB_STEP_SUMMARY"
outcomes=(passed failed incomplete tool-error)
{
  echo "outcome=${outcomes[$code]:-tool-error}"
  [ -f "$PURSER_OUT/report.sarif" ] && echo "sarif=$PURSER_OUT/report.sarif"
} >>"$GITHUB_OUTPUT"
exit "$code"
