#!/bin/sh
# Draws the icons that an installed page needs as PNG files, from their SVG files: `apt-get install librsvg2-bin` first.
set -eu
cd "$(dirname "$0")"
for size in 192 512; do
  rsvg-convert --width $size --height $size icon.svg --output icons/icon-$size.png
done
rsvg-convert --width 512 --height 512 maskable.svg --output icons/maskable-512.png
# Where the device rounds the corners itself, transparent ones would come out black.
rsvg-convert --width 180 --height 180 maskable.svg --output icons/apple-180.png
