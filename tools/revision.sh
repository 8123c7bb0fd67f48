#!/bin/sh
# revision.sh - prints the short name of the commit that the source tree SOURCE is at, with "-dirty" behind it where files
# that git follows differ from it. Fails, printing nothing, where SOURCE is no repository of its own (an unpacked archive)
# or there is no git. Takes no lock, so that it never stands in the way of somebody's commit.
#
#     tools/revision.sh SOURCE
set -u
cd "$1" || exit 1
[ -e .git ] || exit 1
revision=$(git --no-optional-locks rev-parse --short=10 HEAD 2>/dev/null) || exit 1
changes=$(git --no-optional-locks status --porcelain --untracked-files=no 2>/dev/null) || exit 1
[ -z "$changes" ] || revision=$revision-dirty
printf '%s\n' "$revision"
