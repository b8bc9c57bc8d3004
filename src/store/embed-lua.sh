#!/bin/sh
# Makes C of Lua scripts: for each NAME.lua the text as script_source_NAME and its SHA-1, by which Redis
# knows it, as script_sha_NAME. A script whose first line is "-- with: A B" has part/A.lua and part/B.lua in
# front. Usage: embed-lua.sh FILE... > scripts.inc
set -eu

# A script with its parts. Comments go: Redis need not keep them.
whole() {
    for part in $(sed -n '1s/^-- with: //p' "$1"); do
        cat "$(dirname "$1")/part/$part.lua"
    done | cat - "$1" | grep -v '^ *--'
}

echo "/* Made by embed-lua.sh of the files in lua. */"
for file; do
    name=$(basename "$file" .lua)
    # The text ends with a line feed, as the literal below does.
    sha=$(whole "$file" | sha1sum | cut -d' ' -f1)
    printf 'static const char script_sha_%s[] = "%s";\n' "$name" "$sha"
    printf 'static const char script_source_%s[] =\n' "$name"
    whole "$file" | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/'
    printf '    ;\n'
done
