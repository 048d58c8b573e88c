# shellcheck shell=bash
# Sourced, after common.sh, by the scripts that run a server of their own.
# shellcheck disable=SC2034  # for those who source this
readonly IMAGES=data/fashion-mnist-test
readonly TIMESTEPS=(30 100 300 500)
readonly PRESET=${TWEEDIE_PRESET:-release}  # of the build
readonly TWEEDIED=build/$PRESET/server/tweedied TWEEDIE=build/$PRESET/client/tweedie

server_pid=
address=

build_binaries() {
  build "$PRESET" --target tweedied tweedie
}

# start_server DATA_DIR LOG [OPTION...]: starts a server on free ports and reads its
# address from the line that says it is ready.
start_server() {
  local line
  coproc SERVER {
    exec "$TWEEDIED" --data-dir "$1" --models-dir models \
      --listen 127.0.0.1:0 --http 127.0.0.1:0 "${@:3}" 2>"$2"
  }
  # shellcheck disable=SC2153  # the coprocess sets it
  server_pid=$SERVER_PID
  while IFS= read -r -t 120 line <&"${SERVER[0]}"; do
    if [[ $line == 'listening on '* ]]; then
      address=${line#listening on }
      printf 'tweedied listens on %s; its log is %s\n' "$address" "$2"
      return
    fi
  done
  tail "$2" >&2
  fail 'tweedied did not say that it is listening'
}

stop_server() {
  kill -TERM "$server_pid"
  local pid=$server_pid status=0
  server_pid=
  wait "$pid" || status=$?
  [[ $status == 0 ]] || fail "tweedied ended with status $status after SIGTERM"
}

# denoise_at T IMAGES...: one-shot denoising of clean images, noised to timestep T,
# into $OUT.
denoise_at() {
  local t=$1
  shift
  "$TWEEDIE" --server "$address" denoise "$@" --timestep "$t" --add-noise --seed 1 \
    --out "$OUT/denoise-t$t" --json >"$OUT/denoise-t$t.json"
}

# print_psnr N: of denoise_at, for each of TIMESTEPS and the first N images, beside
# the reference.
print_psnr() {
  local t jobs=()
  for t in "${TIMESTEPS[@]}"; do
    jobs+=("$t=$OUT/denoise-t$t.json")
  done
  /usr/bin/python3 tools/psnr_table.py "docs/numbers/tweedie_psnr_reference_$1.tsv" "${jobs[@]}"
}
