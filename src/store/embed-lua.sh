#!/bin/sh
# Makes C of Lua scripts: for each NAME.lua the text as script_source_NAME and its SHA-1, by which Redis
# knows it, as script_sha_NAME. Usage: embed-lua.sh FILE... > scripts.inc
set -eu

echo "/* Made by embed-lua.sh of the files in lua. */"
for file; do
    name=$(basename "$file" .lua)
    # The text ends with a line feed, as the literal below does.
    sha=$(sha1sum <"$file" | cut -d' ' -f1)
    printf 'static const char script_sha_%s[] = "%s";\n' "$name" "$sha"
    printf 'static const char script_source_%s[] =\n' "$name"
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$file"
    printf '    ;\n'
done
