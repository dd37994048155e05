#!/bin/sh
# Whether any installed dependency has a known vulnerability: asks the vulnerability service of the package index.
# Exit 1 when one has. Says "skipped" where the service cannot be reached or knows none of them. Run by `make audit`.
set -eu
venv="$1" tool="$1/audit" list="$(mktemp)" said="$(mktemp)"
trap 'rm -f "$list" "$said"' EXIT

if [ ! -x "$tool/bin/pip-audit" ]; then
    "$venv/bin/python" -m venv "$tool"
    "$venv/bin/uv" pip install --quiet --python "$tool/bin/python" 'pip-audit>=2.8'
fi
"$venv/bin/uv" pip freeze --quiet --exclude-editable --python "$venv/bin/python" > "$list"
count=$(wc -l < "$list")
echo "Asking about $count installed packages ..."
if "$tool/bin/pip-audit" --requirement "$list" --no-deps --disable-pip --progress-spinner off --timeout 10 > "$said" 2>&1; then
    unknown=$(grep -c "could not be audited" "$said" || true)
    if [ "$unknown" -ge "$count" ]; then
        echo "skipped: the service knows none of them; nothing was found out."
    else
        [ "$unknown" -eq 0 ] || grep "could not be audited" "$said"
        echo "No known vulnerability in $((count - unknown)) of $count packages; $unknown are not known to the service."
    fi
elif grep -q "^Found .* known vulnerabilit" "$said"; then
    cat "$said"
    exit 1
else
    tail -n 1 "$said"
    echo "skipped: the service cannot be reached; nothing was found out."
fi
