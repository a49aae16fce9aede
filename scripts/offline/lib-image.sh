# shellcheck shell=bash
# Sourced, after lib.sh, by what runs the image without a Docker engine: assembles Dockerfile's final stage in a
# folder, from the files of the last `make build`, so that the server can be run with that folder as its root.
# A script that sources this sets root, the folder, before it calls assemble, and uses what the functions set.
# shellcheck disable=SC2034,SC2154

# Dockerfile, one instruction a line: the build stage, then the final one.
build_stage=() final_stage=()
while read -r line; do
  case $line in
    '' | '#'*) continue ;;
    FROM*) if [[ ${#build_stage[@]} == 0 ]]; then stage=build; else stage=final; fi ;;
  esac
  if [[ $stage == build ]]; then build_stage+=("$line"); else final_stage+=("$line"); fi
done <Dockerfile
last() { # INSTRUCTION: the rest of its last line in the final stage
  printf '%s\n' "${final_stage[@]}" | sed -n "s/^$1 //p" | tail -n 1
}

# Makes the folder: what the final stage copies, and what distroless/cc has of libraries.
assemble() {
  [[ -x target/release/server ]] || fail "there is no target/release/server to try the image with: run make build"
  mkdir -p "$root"
  workdir=$(last WORKDIR)
  user=$(last USER)
  entrypoint=$(last ENTRYPOINT)
  entrypoint=${entrypoint#'["'}
  entrypoint=${entrypoint%'"]'}
  [[ $user =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || fail "Dockerfile: USER must be two numbers and not root, is '$user'"
  environment=()
  for line in "${final_stage[@]}"; do
    case $line in
      "ENV "*) environment+=("${line#ENV }") ;;
      "COPY "*)
        read -ra words <<<"${line#COPY }"
        from=${words[-2]} to=$root${words[-1]} owner=0:0
        [[ ${words[0]} == --from=build ]] || fail "Dockerfile: the final stage copies from the build stage alone: $line"
        for word in "${words[@]}"; do [[ $word != --chown=* ]] || owner=${word#--chown=}; done
        mkdir -p "$(dirname "$to")"
        if [[ $from == /src/* ]]; then
          [[ -e ${from#/src/} ]] || fail "Dockerfile copies $from, which the build did not make: run make build"
          cp -r "${from#/src/}" "$to"
        else
          printf '%s\n' "${build_stage[@]}" | grep -q "^RUN .*mkdir $from\$" ||
            fail "Dockerfile copies $from, which the build stage does not make"
          mkdir -p "$to"
        fi
        [[ $(id -u) != 0 ]] || chown -R "$owner" "$to"
        ;;
    esac
  done
  chmod -R go+rX "$root"
  [[ -x $root$entrypoint ]] || fail "Dockerfile: ENTRYPOINT is $entrypoint, which no COPY brings"

  # Distroless: the loader and the libraries of libc6, libgcc-s1, libstdc++6, and the CA certificates.
  while read -r library; do
    [[ $(basename "$library") =~ ^(ld-linux.*|lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+)\.so\.[0-9]+)$ ]] ||
      fail "the server needs $library, which the image does not have"
    mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library"
  done < <(ldd target/release/server | grep -o '/[^ ]*')
  certificates=/etc/ssl/certs/ca-certificates.crt
  [[ ! -f $certificates ]] || { mkdir -p "$root/etc/ssl/certs" && cp -L "$certificates" "$root$certificates"; }
  say "image: $(du -sh "$root/app" | cut -f1) of ours ($(find "$root/app" -type f | wc -l) files)"
}

# Sets enter, the command that runs a program of the image as its user, and who that is. Fails where this machine
# can't run a program in another root folder.
find_enter() {
  if [[ $(id -u) == 0 ]]; then
    who="user $user"
    enter=(setpriv --clear-groups -- "$(command -v unshare || echo unshare)" --root="$root" --wd="$workdir")
    enter+=(--setuid="${user%:*}" --setgid="${user#*:}")
  else
    who="you, who are not root"
    # Root of a namespace of one's own and nobody outside it: one may change the root folder, and no more.
    enter=(unshare --map-root-user --root="$root" --wd="$workdir")
  fi
  # Does that work here at all? Tried with the root folder that there is.
  has unshare && "${enter[@]/$root//}" --wd=/ -- true 2>/dev/null
}
