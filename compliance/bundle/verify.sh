#!/bin/sh
# Verifies this bundle of evidence, offline:   sh verify.sh [VKEY [CHECKPOINT]]
#
# Needs sh, openssl (3.0 or newer) and sha256sum, and nothing of the program that made the bundle.
# VKEY is the log's verifier key as you know it from elsewhere; without it the one in the bundle is
# used, which whoever made the bundle chose. CHECKPOINT is a file with a checkpoint of the log that you
# kept from before, such as that of an earlier bundle: the log must continue it. Read this file before you run it, or take it from a
# place that you trust more. Exit 0: all of it holds. 1: something does not, and is named.
#
#   1. Every file is listed in MANIFEST, has the SHA-256 stated there, and no file lies beside them.
#   2. The keys are well-formed; the log's is the one you gave, now or formerly.
#   3. Every checkpoint is signed by the log's key, and each continues the one before it.
#   4. Cosignatures and time-stamps belong to their checkpoints.
#   5. Every entry hashes, by its proof, to the root of a checkpoint of step 3.
#   6. Every payload has the SHA-256 that its entry states.
#   7. A report that lies in the bundle is the one that an entry says was issued.
#   8. Say who vouches for what.
set -u
LC_ALL=C
export LC_ALL
nl='
'
dash=$(printf '\342\200\224')
alphabet=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/
fail() {
    printf 'NOT VERIFIED: %s\n' "$*" >&2
    exit 1
}
VKEY=${1-${VKEY-}} kept='' kept_size=''
if [ -n "${2-}" ]; then
    { IFS= read -r line && IFS= read -r kept_size && IFS= read -r root; } < "$2" || fail "$2 is no checkpoint"
    kept=$line$nl$kept_size$nl$root$nl
fi
case $0 in */*) cd "${0%/*}" || exit 1 ;; esac
umask 077
if work=$(mktemp -d 2>/dev/null); then
    trap 'rm -rf "$work"' EXIT
    work=$work/
else
    work=${TMPDIR:-/tmp}/verify-bundle-$$-
    [ ! -e "${work}text" ] || fail "${work}text is there already"
fi

# --- numbers, bytes, hashes; each result is left in a variable, so that no process is started ---

# Decimal without leading zeros, at most 18 digits.
is_number() {
    case $1 in
        '' | *[!0-9]* | 0?* | ???????????????????*) return 1 ;;
    esac
}

# hex -> $octal, the bytes as printf writes them.
octal_of() {
    octal='' rest=$1
    while [ -n "$rest" ]; do
        tail=${rest#??}
        byte=$((0x${rest%"$tail"}))
        octal=$octal\\$((byte / 64))$((byte / 8 % 8))$((byte % 8))
        rest=$tail
    done
}

nibble() {
    case $1 in
        10) hex=${hex}a ;; 11) hex=${hex}b ;; 12) hex=${hex}c ;;
        13) hex=${hex}d ;; 14) hex=${hex}e ;; 15) hex=${hex}f ;;
        *) hex=$hex$1 ;;
    esac
}

# base64 -> $hex; what could be written otherwise is refused.
hex_of() {
    hex='' value=0 bits=0
    case $1 in
        '' | *[!A-Za-z0-9+/=]* | *=*[!=]* | *===*) fail "$1 is no base64" ;;
    esac
    [ $((${#1} % 4)) = 0 ] || fail "$1 is no base64"
    rest=${1%%=*}
    while [ -n "$rest" ]; do
        tail=${rest#?}
        char=${rest%"$tail"}
        rest=$tail
        before=${alphabet%%"$char"*}
        value=$(((value * 64 + ${#before}) % 65536)) bits=$((bits + 6))
        if [ $bits -ge 8 ]; then
            bits=$((bits - 8))
            byte=$((value >> bits & 255))
            nibble $((byte / 16))
            nibble $((byte % 16))
        fi
    done
    [ $((value & ((1 << bits) - 1))) = 0 ] || fail "$1 is no base64"
}

# left, right -> $hash, the hash of the node above two others (RFC 6962); each is worked out once.
node() {
    eval "hash=\${n_$1$2-}"
    [ -z "$hash" ] || return 0
    octal_of "$1$2"
    hash=$(printf "\\001$octal" | sha256sum) || fail "sha256sum does not run"
    hash=${hash%% *}
    eval "n_$1$2=\$hash"
}

# seconds since 1970 -> $time, as RFC 3339 in UTC.
time_of() {
    z=$(($1 / 86400 + 719468))
    era=$((z / 146097))
    doe=$((z - era * 146097))
    yoe=$(((doe - doe / 1460 + doe / 36524 - doe / 146096) / 365))
    doy=$((doe - (365 * yoe + yoe / 4 - yoe / 100)))
    mp=$(((5 * doy + 2) / 153))
    day=$((doy - (153 * mp + 2) / 5 + 1))
    month=$((mp < 10 ? mp + 3 : mp - 9))
    year=$((yoe + era * 400 + (month <= 2 ? 1 : 0)))
    clock=$(($1 % 86400))
    time=$(printf '%04d-%02d-%02dT%02d:%02d:%02dZ' $year $month $day \
        $((clock / 3600)) $((clock / 60 % 60)) $((clock % 60)))
}

# "Nov 24 00:19:21 2026 GMT" -> $seconds since 1970.
seconds_of() {
    set -- $1
    case $1 in
        Jan) m=1 ;; Feb) m=2 ;; Mar) m=3 ;; Apr) m=4 ;; May) m=5 ;; Jun) m=6 ;;
        Jul) m=7 ;; Aug) m=8 ;; Sep) m=9 ;; Oct) m=10 ;; Nov) m=11 ;; Dec) m=12 ;;
        *) fail "$* is no time" ;;
    esac
    y=$(($4 - (m <= 2 ? 1 : 0)))
    era=$((y / 400))
    yoe=$((y - era * 400))
    doy=$(((153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + $2 - 1))
    days=$((era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468))
    h=${3%%:*} rest=${3#*:} s=${3##*:}
    i=${rest%%:*} s=${s%%.*}
    seconds=$((days * 86400 + ${h#0} * 3600 + ${i#0} * 60 + ${s#0}))
}

# --- 1. MANIFEST ---------------------------------------------------------------------------------

[ -f MANIFEST ] || fail "there is no MANIFEST here; run this where the bundle was unpacked"
listed=0
while IFS= read -r line; do
    digest=${line%%  *} path=${line#*  }
    case $digest in *[!0-9a-f]*) fail "MANIFEST has a line that is none of its own: $line" ;; esac
    [ "$line" = "$digest  $path" ] && [ ${#digest} = 64 ] || fail "MANIFEST has a line that is none of its own: $line"
    listed=$((listed + 1))
done < MANIFEST
[ -z "$line" ] || fail "MANIFEST is cut short"
sha256sum -c MANIFEST > "${work}sums" 2>&1 || {
    while IFS= read -r line; do
        case $line in *': OK') ;; *) printf '%s\n' "$line" >&2 ;; esac
    done < "${work}sums"
    fail "a file is not what MANIFEST says"
}
found=0
for path in * */* */*/* */*/*/* */*/*/*/*; do
    [ ! -f "$path" ] || found=$((found + 1))
done
[ "$found" = $((listed + 1)) ] || fail "there are $found files here; MANIFEST lists $listed beside itself"

# --- 2. Keys -------------------------------------------------------------------------------------

# vkey, types it may have -> $key_name $key_id $key_type $key, the key in hex.
parse_key() {
    key_name=${1%%+*} rest=${1#*+}
    key_id=${rest%%+*} key=${rest#*+}
    hex_of "$key"
    key=${hex#??}
    key_type=${hex%"$key"}
    case " $2 " in *" $key_type "*) ;; *) fail "$1 is no key of a type expected here ($2)" ;; esac
    octal_of "$hex"
    case $key_type in
        02) octal_of "$key"; sum=$(printf "$octal" | sha256sum) ;;
        *) sum=$({ printf '%s\n' "$key_name"; printf "$octal"; } | sha256sum) ;;
    esac
    case $sum in "$key_id"*) [ ${#key_id} = 8 ] && return 0 ;; esac
    fail "the hash in $1 is not that of its name and key"
}

# key in hex, its type, text, signature in hex: whether the signature is of that text.
is_signed() {
    case $2 in
        02) octal_of "$1" ;;
        *) octal_of "302a300506032b6570032100$1" ;;
    esac
    printf "$octal" > "${work}key"
    octal_of "$4"
    printf "$octal" > "${work}signature"
    printf '%s' "$3" > "${work}text"
    case $2 in
        02) openssl dgst -sha256 -keyform DER -verify "${work}key" -signature "${work}signature" "${work}text" ;;
        *) openssl pkeyutl -verify -pubin -keyform DER -inkey "${work}key" -rawin -in "${work}text" \
            -sigfile "${work}signature" ;;
    esac > "${work}said" 2>&1 < /dev/null
}

given=$VKEY
origin='' known='' newer='' handovers=''
while IFS=' ' read -r vkey last; do
    parse_key "$vkey" "01 02"
    [ -z "$last" ] || is_number "$last" || fail "vkeys/log says that a key was in force up to $last"
    [ -n "$origin" ] || origin=$key_name
    [ "$key_name" = "$origin" ] || fail "vkeys/log holds keys of two logs"
    [ "$vkey" != "$given" ] || known=yes
    if [ -n "$last" ]; then
        # That this key was followed by the newer one is to be proven in step 5.
        handovers=$handovers$last\ $vkey\ $newer$nl
    fi
    [ "$key_type" = 02 ] || newer=$vkey
done < vkeys/log
[ -n "$origin" ] || fail "vkeys/log holds no key"
[ -z "$given" ] || [ -n "$known" ] || fail "the key that you gave is not among the log's: $given"

# --- 3. and 4. Checkpoints -----------------------------------------------------------------------

# file -> $name $size $root of a checkpoint, $text that is signed, $lines of signatures, $whole.
read_note() {
    {
        IFS= read -r name && IFS= read -r size && IFS= read -r root && IFS= read -r gap || fail "$1 is cut short"
        lines=''
        while IFS= read -r line; do lines=$lines$line$nl; done
    } < "$1"
    [ -z "$gap$line" ] && [ -n "$lines" ] || fail "$1 is no signed checkpoint"
    is_number "$size" || fail "$1 has no size"
    text=$name$nl$size$nl$root$nl
    whole=$text$nl$lines
}

# vkey, types: $signature in hex, behind the key id, of the line that this key signed; empty if there is none.
line_of() {
    parse_key "$1" "$2"
    signature='' rest_lines=$lines
    while [ -n "$rest_lines" ]; do
        one=${rest_lines%%"$nl"*}
        rest_lines=${rest_lines#*"$nl"}
        case $one in
            "$dash $key_name "*)
                hex_of "${one##* }"
                case $hex in "$key_id"*) signature=${hex#????????} ;; esac
                ;;
        esac
    done
}

# Of the checkpoint that was read: by which of the log's keys it is signed; at least by one in force.
check_log() {
    signed='' by_keys=' '
    while IFS=' ' read -r vkey last; do
        line_of "$vkey" "01 02"
        [ -n "$signature" ] || continue
        is_signed "$key" "$key_type" "$text" "$signature" || fail "$1: the signature of the log does not belong to it"
        by_keys="$by_keys$vkey "
        [ "$key_type" = 02 ] || { [ -n "$last" ] && [ "$size" -gt "$last" ]; } || signed=yes
    done < vkeys/log
    [ -n "$signed" ] || fail "$1: no key of the log that was in force signed it"
}

check_witnesses() {
    [ -f vkeys/witnesses ] || return 0
    while IFS= read -r vkey; do
        line_of "$vkey" 04
        [ -n "$signature" ] || continue
        stamped=${signature%"${signature#????????????????}"}
        case $stamped in [89a-f]*) fail "$1: a cosignature has no time" ;; esac
        time=$((0x$stamped))
        message=cosignature/v1${nl}time\ $time$nl$text
        is_signed "$key" 04 "$message" "${signature#????????????????}" ||
            fail "$1: the cosignature of $key_name does not belong to it"
        time_of "$time"
        by="$by${by:+, }witness $key_name ($time)"
    done < vkeys/witnesses
}

check_stamps() {
    for stamp in "checkpoints/$size".*.tsr; do
        [ -f "$stamp" ] || continue
        note=checkpoints/$size.note
        { IFS= read -r a && IFS= read -r b && IFS= read -r c; } < "$note" || fail "$note is cut short"
        [ "$a$nl$b$nl$c$nl" = "$text" ] || fail "$note, which was stamped, is another checkpoint than checkpoints/$size"
        openssl ts -reply -in "$stamp" -text > "${work}stamp" 2> "${work}said" || fail "$stamp is no time-stamp"
        stated=''
        while IFS= read -r line; do
            case $line in 'Time stamp: '*) stated=${line#Time stamp: } ;; esac
        done < "${work}stamp"
        seconds_of "$stated"
        openssl ts -verify -data "$note" -in "$stamp" -CAfile vkeys/tsa.pem -attime "$seconds" \
            > "${work}said" 2>&1 || fail "$stamp does not verify"
        time_of "$seconds"
        by="$by${by:+, }time-stamp authority ($time)"
    done
}

# Whether the log of $size and $root (hex) continues that of $old_size and $old_root (RFC 9162, 2.1.4.2).
check_continues() {
    file=consistency/$old_size-$size
    [ -f "$file" ] || fail "$file is missing"
    first='' second='' n=$((old_size - 1)) last=$((size - 1))
    while [ $((n % 2)) = 1 ]; do n=$((n / 2)) last=$((last / 2)); done
    [ $((old_size & (old_size - 1))) != 0 ] || first=$old_root second=$old_root
    while IFS= read -r line; do
        hex_of "$line"
        step=$hex
        [ ${#step} = 64 ] || fail "$file holds what is no hash"
        if [ -z "$first" ]; then first=$step second=$step; continue; fi
        [ "$last" -gt 0 ] || fail "$file is too long"
        if [ $((n % 2)) = 1 ] || [ "$n" = "$last" ]; then
            node "$step" "$first" && first=$hash
            node "$step" "$second" && second=$hash
            while [ $((n % 2)) = 0 ] && [ "$n" -gt 0 ]; do n=$((n / 2)) last=$((last / 2)); done
        else
            node "$second" "$step" && second=$hash
        fi
        n=$((n / 2)) last=$((last / 2))
    done < "$file"
    [ "$last" = 0 ] && [ "$first" = "$old_root" ] && [ "$second" = "$root" ] ||
        fail "the checkpoint of $size entries does not continue that of $old_size"
}

sizes='' own='' vouchers=''
while IFS= read -r expected; do
    is_number "$expected" || fail "checkpoints/SIZES holds $expected, which is no size"
    read_note "checkpoints/$expected"
    [ "$size" = "$expected" ] && [ "$name" = "$origin" ] || fail "checkpoints/$expected is of another log or size"
    check_log "checkpoints/$size"
    by=''
    check_witnesses "checkpoints/$size"
    check_stamps
    hex_of "$root"
    root=$hex
    [ ${#root} = 64 ] || fail "checkpoints/$size has no root"
    if [ -n "$sizes" ]; then
        [ "$size" -gt "$old_size" ] || fail "checkpoints/SIZES is not in order"
        check_continues
    fi
    sizes="$sizes $size" old_size=$size old_root=$root
    eval "root_$size=\$root by_$size=\$by note_$size=\$whole keys_$size=\$by_keys used_$size=0"
done < checkpoints/SIZES
[ -n "$sizes" ] || fail "the bundle holds no checkpoint"
read_note checkpoint
eval "[ \"\$whole\" = \"\${note_$size-}\" ]" || fail "checkpoint is none of those in checkpoints/"
if [ -n "$kept" ]; then
    is_number "$kept_size" || fail "what you kept is no checkpoint"
    [ "$kept_size" -le "$size" ] || fail "the log went back: you kept a checkpoint of $kept_size entries, this is of $size"
    eval "held=\${note_$kept_size-}"
    [ -n "$held" ] || fail "nothing here is about $kept_size entries; ask for a bundle made with --since and your checkpoint"
    case $held in
        "$kept"*) printf 'The log continues the checkpoint of %s entries that you kept.\n' "$kept_size" ;;
        *) fail "the log was rewritten: at $kept_size entries it had another root when you kept its checkpoint" ;;
    esac
fi

# --- 5. and 6. Entries and payloads --------------------------------------------------------------

# proof file -> $index, $path of hashes in hex, and $size of the checkpoint, which must be one of step 3.
read_proof() {
    {
        IFS= read -r line && [ "$line" = c2sp.org/tlog-proof@v1 ] || fail "$1 is no proof"
        IFS= read -r line && [ "$line" != "${line#index }" ] || fail "$1 has no index"
        index=${line#index } path='' level=0
        while IFS= read -r line && [ -n "$line" ]; do
            # Neighbouring entries share most of their paths: what is as before is not decoded again.
            eval "hex=\${hex_$level-}; [ \"\$line\" = \"\${line_$level-}\" ]" || {
                hex_of "$line"
                [ ${#hex} = 64 ] || fail "$1 holds what is no hash"
                eval "hex_$level=\$hex line_$level=\$line"
            }
            path="$path $hex" level=$((level + 1))
        done
        note=''
        while IFS= read -r line; do note=$note$line$nl; done
    } < "$1"
    size=${note#*"$nl"}
    size=${size%%"$nl"*}
    is_number "$index" && is_number "$size" && [ "$index" -lt "$size" ] || fail "$1 is of an entry beyond its checkpoint"
    eval "[ \"\$note\" = \"\${note_$size-}\" ]" || fail "$1 leads to a checkpoint that is not in checkpoints/"
}

# $index, $size, $path, and the leaf's hash in $hash: it must lead to the root (RFC 9162, 2.1.3.2).
check_included() {
    n=$index last=$((size - 1))
    for step in $path; do
        [ "$last" -gt 0 ] || fail "the proof of entry $index is too long"
        if [ $((n % 2)) = 1 ] || [ "$n" = "$last" ]; then
            node "$step" "$hash"
            while [ $((n % 2)) = 0 ] && [ "$n" -gt 0 ]; do n=$((n / 2)) last=$((last / 2)); done
        else
            node "$hash" "$step"
        fi
        n=$((n / 2)) last=$((last / 2))
    done
    [ "$last" = 0 ] || fail "the proof of entry $index is too short"
    eval "[ \"\$hash\" = \"\$root_$size\" ]" || fail "entry $index does not lead to the signed root"
}

# The payload that the entry in $leaf states. The last "payload" of its JSON is its own: others come before.
check_payload() {
    stated=${leaf##*'"payload":'}
    case $stated in null*) return 0 ;; '{'*) ;; *) fail "entry $index states no payload" ;; esac
    digest=${stated#*'"sha256":"'}
    digest=${digest%%'"'*}
    case $digest in *[!0-9a-f]*) fail "entry $index states no SHA-256" ;; esac
    [ ${#digest} = 64 ] || fail "entry $index states no SHA-256"
    case $stated in
        '{"inline":"'*)
            inline=${stated#'{"inline":"'}
            sum=$(printf '%s' "${inline%%'"'*}" | openssl base64 -d -A | sha256sum)
            ;;
        *)
            place=payloads/sha256/${digest%"${digest#??}"}/$digest
            if [ ! -f "$place" ]; then
                case $absent in *"$nl$digest "*) gone=$((gone + 1)); return 0 ;; esac
                fail "the payload of entry $index is missing"
            fi
            sum=$(sha256sum < "$place")
            ;;
    esac
    [ "${sum%% *}" = "$digest" ] || fail "the payload of entry $index has another SHA-256 than it states"
    payloads=$((payloads + 1))
}

absent=$nl rotations=$nl reports='' entries=0 payloads=0 gone=0
if [ -f payloads/ABSENT ]; then
    while IFS= read -r line; do absent=$absent$line$nl; done < payloads/ABSENT
fi
for file in entries/*.json; do
    [ -f "$file" ] || continue
    index=${file#entries/}
    index=${index%.json}
    named=$index
    read_proof "proofs/$named.tlog-proof"
    [ "$index" = "$named" ] || fail "proofs/$named.tlog-proof is of entry $index"
    IFS= read -r leaf < "$file" && fail "$file has more than one line"
    sum=$(printf '%s' "$leaf" | sha256sum)
    same=$(sha256sum < "$file")
    [ "${sum%% *}" = "${same%% *}" ] || fail "$file holds bytes that no entry has"
    hash=$(printf '\000%s' "$leaf" | sha256sum)
    hash=${hash%% *}
    check_included
    check_payload
    case $leaf in
        *'"kind":"report/1"'*) reports=$reports$leaf ;;
        *'"kind":"key/1"'*) rotations=$rotations$size\ $leaf$nl ;;
    esac
    entries=$((entries + 1))
    eval "used_$size=\$((used_$size + 1))"
done
proofs=0
for file in proofs/*; do [ ! -f "$file" ] || proofs=$((proofs + 1)); done
[ "$proofs" = "$entries" ] || fail "there are $proofs proofs for $entries entries"

# Each former key signed a checkpoint of its last size, which proves the entry that the next one follows.
while IFS=' ' read -r last vkey newer; do
    [ -n "$last" ] || continue
    eval "by_keys=\${keys_$last- }"
    case $by_keys in *" $vkey "*) ;; *) fail "the former key $vkey did not sign a checkpoint of $last entries" ;; esac
    followed=''
    while IFS=' ' read -r size leaf; do
        [ "$size" = "$last" ] || continue
        case $leaf in *'"detail":{'*"\"current\":\"$newer\",\"former\":\"$vkey\""*) followed=yes ;; esac
    done <<EOF
$rotations
EOF
    [ -n "$followed" ] || fail "no entry of the bundle says that $newer followed $vkey"
done <<EOF
$handovers
EOF

# --- 7. The report -------------------------------------------------------------------------------

if [ -f report/report.html ]; then
    sum=$(sha256sum < report/report.html)
    case $reports in
        *"\"sha256\":\"${sum%% *}\""*) ;;
        *) fail "report/report.html is not a report that an entry of the bundle says was issued" ;;
    esac
fi

# --- 8. Who vouches ------------------------------------------------------------------------------

bare=0 others=''
for size in $sizes; do
    eval "by=\$by_$size used=\$used_$size"
    [ "$used" -gt 0 ] || continue
    if [ -n "$by" ]; then
        printf '%s of the entries, in the log of %s entries: vouched for by %s\n' "$used" "$size" "$by"
        others="$others${others:+; }$by"
    else
        printf "%s of the entries, in the log of %s entries: vouched for by this machine's key only\n" "$used" "$size"
        bare=$((bare + used))
    fi
done
if [ -f payloads/GONE ]; then
    while IFS= read -r line; do printf 'of entry %s\n' "$line"; done < payloads/GONE
fi
[ "$gone" = 0 ] || printf '%s payload(s) are not in this bundle; payloads/ABSENT says why\n' "$gone"
if [ -n "$given" ]; then
    printf 'The key of the log is the one that you gave.\n'
else
    printf 'The keys are those in vkeys/, from this bundle: compare them with what you know from elsewhere.\n'
fi
if [ -z "$others" ]; then
    others="this machine's key only"
elif [ "$bare" -gt 0 ]; then
    others="$others; $bare of the entries by this machine's key only"
fi
printf 'VERIFIED: %s entries and %s payloads of %s; vouched for by %s\n' "$entries" "$payloads" "$origin" "$others"
