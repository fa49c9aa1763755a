#!/bin/sh
# Copies what the agent's image has besides kpc into a folder: Node.js, nft, the tools of iptables and Perl's base, each with the libraries that it needs.
#   sh image-files.sh FOLDER
set -eu
to=$1

# A file at its place. A link leads there, too.
copy() {
  [ -e "$to$1" ] && return
  mkdir -p "$to$(dirname "$1")"
  target=$(readlink -f "$1")
  if [ "$target" = "$1" ]; then
    cp "$1" "$to$1"
  else
    ln -s "$target" "$to$1"
    copy "$target"
  fi
}

libraries_of() {
  ldd "$1" 2> /dev/null | grep -o '/[^ ]*' || true
}

perl=$(dpkg -L perl-base | grep -E '^/usr/bin/perl$|^/usr/lib/.*\.(p[lm]|so)$')
extensions=$(find /usr/lib -path '*/xtables/*.so')
for file in "$(command -v node)" /usr/sbin/nft /usr/sbin/iptables* /usr/sbin/ip6tables* /usr/sbin/xtables-*-multi $perl $extensions; do
  [ -e "$file" ] || continue
  copy "$file"
  for library in $(libraries_of "$file"); do copy "$library"; done
done
mkdir -p "$to/dev" "$to/proc" "$to/run" "$to/tmp"
chmod 1777 "$to/tmp"
