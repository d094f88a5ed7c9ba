#!/bin/sh
# Secrets come as files: for each NAME_FILE in the environment, NAME is what stands in that file. Nothing is printed.
set -eu
for pair in $(env | sed -n 's/^\(B25_[A-Z_]*\)_FILE=.*/\1/p'); do
    case "$pair" in B25_NATS_TOKEN | B25_GATEWAY__TLS) continue ;; esac # these are read as files by b25 itself
    eval "file=\$${pair}_FILE"
    if [ ! -r "$file" ]; then
        echo "b25: ${pair}_FILE names a file that cannot be read" >&2
        exit 4
    fi
    export "$pair=$(cat "$file")"
    unset "${pair}_FILE"
done
exec "$@"
