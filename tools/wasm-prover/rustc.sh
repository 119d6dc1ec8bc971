#!/bin/sh
# Calls the compiler with an identity of the crate that does not depend on folders.
#
# Cargo passes `-C metadata=<hash>`, and the hash contains the absolute paths of the standard library
# and of packages outside of this workspace. The compiler sorts functions by symbols, which contain
# this identity. So each checkout would build a module with other bytes.
identity="metadata=$CARGO_PKG_NAME-$CARGO_PKG_VERSION"
for argument do
    shift
    case $argument in
    metadata=*) argument=$identity ;;
    esac
    set -- "$@" "$argument"
done
exec "$@"
