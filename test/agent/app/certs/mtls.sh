#!/bin/sh
# Makes the certificates of the client certificate tests anew: sh mtls.sh. They are valid for a century and for nothing.
set -eu
cd "$(dirname "$0")"
DAYS=36500

# A key and a certificate in one file. $1 name, $2 subject, $3 extension, $4 "self" or signed by the authority
make() {
  openssl ecparam -name prime256v1 -genkey -noout -out key.pem
  if [ "$4" = self ]; then
    openssl req -x509 -new -key key.pem -subj "$2" -addext "$3" -days $DAYS -out certificate.pem
  else
    openssl req -new -key key.pem -subj "$2" -out request.pem
    echo "$3" > extension.cnf
    openssl x509 -req -in request.pem -CA mtls-ca.pem -CAkey mtls-ca.pem -CAcreateserial -extfile extension.cnf \
      -days $DAYS -out certificate.pem
  fi
  cat key.pem certificate.pem > "mtls-$1.pem"
  rm -f key.pem certificate.pem request.pem extension.cnf
}

make ca '/CN=Callsight test authority' 'basicConstraints=critical,CA:TRUE' self
make server '/CN=localhost' 'subjectAltName=DNS:localhost,IP:127.0.0.1' signed
make spiffe '/CN=orders' 'subjectAltName=DNS:orders,URI:https://example.org/orders,URI:spiffe://example.org/orders' signed
make name '/CN=billing' 'subjectAltName=DNS:billing.example.org' signed
make mail '/CN=ann@example.com' 'keyUsage=digitalSignature' signed
make bare '/O=Nobody' 'keyUsage=digitalSignature' signed
make stranger '/CN=admin' 'subjectAltName=URI:spiffe://example.org/admin' self
rm -f mtls-ca.srl .srl
