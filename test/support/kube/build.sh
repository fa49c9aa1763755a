#!/bin/sh
# Builds etcd, kube-apiserver and kube-proxy of one version of Kubernetes from Go modules, for tests against the real ones:
#
#   sh test/support/kube/build.sh [etcd|kube-apiserver|kube-proxy ...]
#
# Needs Go 1.26 or later and a module proxy. The binaries go to ${XDG_CACHE_HOME:-~/.cache}/kpc-kube/VERSION, where tests look for them;
# one that is there is not built again. Where this is interrupted, what Go has compiled stays in its cache, and the next run goes on from it.
# It takes nine minutes of CPU time, 2.8 GB in Go's cache and 0.9 GB of modules; the binaries are 220 MB.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's,^\tk8s.io/kubernetes v\([0-9.]*\).*,\1,p' "$here/go.mod")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kpc-kube/$version
PATH=$PATH:/usr/local/go/bin
command -v go > /dev/null || { echo "kpc-kube: Go is not installed" >&2; exit 1; }
mkdir -p "$cache"
[ $# -gt 0 ] || set -- etcd kube-apiserver kube-proxy

# What a client reads as the version: without these, v0.0.0.
minor=$(echo "$version" | cut -d . -f 2)
at=k8s.io/component-base/version
flags="-s -w -X $at.gitVersion=v$version -X $at.gitMajor=1 -X $at.gitMinor=$minor"

for name; do
  case $name in
    etcd) package=go.etcd.io/etcd/server/v3 ;;
    kube-apiserver | kube-proxy) package=k8s.io/kubernetes/cmd/$name ;;
    *) echo "kpc-kube: there is no $name: expected etcd, kube-apiserver or kube-proxy" >&2; exit 1 ;;
  esac
  [ -x "$cache/$name" ] && continue
  echo "kpc-kube: building $name of Kubernetes $version into $cache" >&2
  # Only a whole binary gets its name.
  (cd "$here" && CGO_ENABLED=0 go build -p 2 -trimpath -ldflags "$flags" -o "$cache/$name.new" "$package")
  mv "$cache/$name.new" "$cache/$name"
done
