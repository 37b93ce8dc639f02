#!/bin/sh
# Builds the image with the first of docker, podman and buildah that works here: image/build.sh NAME [ARGUMENT…].
# ENGINE names one; further arguments go to its build. Two builds of one commit have the same files and times.
set -eu
cd "$(dirname "$0")/.."

works() {
    case $1 in
    buildah) buildah version ;;
    *) "$1" info ;;
    esac >/dev/null 2>&1
}

find_engine() {
    for engine in ${ENGINE:-docker podman buildah}; do
        if works "$engine"; then
            echo "$engine"
            return
        fi
    done
    echo "no ${ENGINE:-docker, podman or buildah} that works here; install one of them, or start its service" >&2
    return 1
}

# The time of the commit; of a folder without git, the oldest that a wheel can hold.
read_epoch() {
    git log -1 --format=%ct 2>/dev/null || echo 315532800
}

name=$1
shift
engine=$(find_engine)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(read_epoch)}
export SOURCE_DATE_EPOCH
created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' operator/osmig/__init__.py)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
set -- --tag "$name" --build-arg "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" --build-arg "CREATED=$created" \
    --build-arg "VERSION=$version" --build-arg "REVISION=$revision" "$@"
if [ -n "${PYTHON_IMAGE:-}" ]; then
    set -- --build-arg "PYTHON_IMAGE=$PYTHON_IMAGE" "$@"
fi
echo "building $name with $engine"
case $engine in
docker) exec docker buildx build --output "type=docker,rewrite-timestamp=true" --provenance=false "$@" . ;;
podman) exec podman build --format oci --timestamp "$SOURCE_DATE_EPOCH" "$@" . ;;
buildah) exec buildah build --format oci --timestamp "$SOURCE_DATE_EPOCH" "$@" . ;;
esac
