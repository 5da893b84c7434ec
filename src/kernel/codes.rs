//! The table of problems: every code a client can meet, with its status, its title and what to do, in one place.
//!
//! The pages at `/problems/{code}` are made from this table.

use super::Text;

/// One row of the problem table.
#[derive(Debug, PartialEq)]
pub struct Code {
    /// Stable `snake_case` name, also the last part of the problem's `type`.
    pub name: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Constant title.
    pub title: Text,
    /// What the sender can do.
    pub advice: Text,
}

macro_rules! codes {
    ($($constant:ident $name:literal $status:literal: $title_id:literal / $title_en:literal; $id:literal / $en:literal)*) => {
        $(
            #[doc = $en]
            pub static $constant: Code = Code {
                name: $name,
                status: $status,
                title: Text::fixed($title_id, $title_en),
                advice: Text::fixed($id, $en),
            };
        )*
        /// Every code, in the order of the table.
        pub static ALL_CODES: &[&Code] = &[$(&$constant),*];
    };
}

codes! {
    MALFORMED_JSON "malformed_json" 400: "Isi bukan JSON" / "Body is not JSON";
        "Kirim satu objek JSON dalam UTF-8." / "Send one JSON object in UTF-8."
    BODY_UNREADABLE "body_unreadable" 400: "Isi tidak terbaca" / "Body cannot be read";
        "Kirim lagi seluruh isi, dengan `Content-Encoding` yang sesuai." / "Send the whole body again, with the `Content-Encoding` it has."
    MALFORMED_CSV "malformed_csv" 400: "Isi bukan CSV yang dikenal" / "Body is not the CSV that is expected";
        "Perbaiki baris judul atau baris yang disebut, lalu kirim lagi." / "Correct the header or the row that is named and send again."
    INVALID_BODY "invalid_body" 400: "Isi tidak sesuai bentuknya" / "Body does not have the expected form";
        "Perbaiki setiap isian yang disebut dalam `errors`, lalu kirim lagi." / "Correct every field named in `errors` and send again."
    INVALID_PARAMETER "invalid_parameter" 400: "Parameter tidak sesuai" / "Invalid parameter";
        "Perbaiki parameter yang disebut dalam `errors`." / "Correct the parameters named in `errors`."
    INVALID_HEADER "invalid_header" 400: "Kepala permintaan tidak sesuai" / "Invalid header";
        "Perbaiki kepala permintaan yang disebut." / "Correct the header that is named."
    INVALID_CURSOR "invalid_cursor" 400: "Kursor tidak sah" / "Invalid cursor";
        "Mulai lagi dari halaman pertama; pakai `next_cursor` apa adanya dengan saringan yang sama." / "Start again from the first page; use `next_cursor` as it was given and with the same filters."
    UNAUTHENTICATED "unauthenticated" 401: "Kunci diperlukan" / "A key is needed";
        "Kirim `Authorization: Bearer lumbung_…` dengan kunci yang berlaku; `reason` menyebut apa yang kurang." / "Send `Authorization: Bearer lumbung_…` with a valid key; `reason` tells what is wrong with what was sent."
    FORBIDDEN "forbidden" 403: "Tidak berwenang" / "Not allowed";
        "Organisasi Anda tidak berwenang atas tindakan ini; hubungi dinas provinsi bila seharusnya berwenang." / "Your organisation may not do this; ask the provincial office if it should."
    INSUFFICIENT_SCOPE "insufficient_scope" 403: "Lingkup kunci tidak cukup" / "The key's scopes do not reach this far";
        "Pakai kunci dengan lingkup yang disebut dalam `scope`, atau tanpa batas lingkup." / "Use a key with the scope named in `scope`, or one that is not confined to scopes."
    NOT_FOUND "not_found" 404: "Tidak ditemukan" / "Not found";
        "Periksa alamat dan nomornya." / "Check the address and the identifier."
    METHOD_NOT_ALLOWED "method_not_allowed" 405: "Metode tidak didukung" / "Method not allowed";
        "Pakai salah satu metode dalam kepala `Allow`." / "Use one of the methods in the `Allow` header."
    NOT_ACCEPTABLE "not_acceptable" 406: "Bentuk jawaban tidak tersedia" / "Not acceptable";
        "Minta `application/json`." / "Ask for `application/json`."
    BODY_TOO_SLOW "body_too_slow" 408: "Isi terlalu lambat" / "Body too slow";
        "Kirim seluruh isi dalam 30 detik." / "Send the whole body within 30 seconds."
    WRONG_STATE "wrong_state" 409: "Tidak sesuai keadaan" / "Does not fit the state";
        "Baca `state` dan `allowed`: keadaan sekarang dan apa yang dapat dilakukan." / "Read `state` and `allowed`: how things stand and what can be done."
    DUPLICATE "duplicate" 409: "Sudah tercatat" / "Already recorded";
        "Pakai catatan yang disebut dalam `existing`." / "Use the record named in `existing`."
    PERSONAL_DATA_ERASED "personal_data_erased" 409: "Data pribadi sudah dihapus" / "Personal data was erased";
        "Data pribadi orang ini telah dimusnahkan dan tidak dapat diubah." / "This person's data was destroyed and cannot be changed."
    PERSONAL_DATA_RESTRICTED "personal_data_restricted" 409: "Pengolahan data pribadi dibatasi" / "Processing of personal data is restricted";
        "Data pribadi orang ini tidak diubah selama pengolahannya dibatasi; dinas provinsi dapat mencabut pembatasan." / "This person's data is not changed while its processing is restricted; the provincial office can lift the restriction."
    PRECONDITION_FAILED "precondition_failed" 412: "Sudah berubah" / "It has changed";
        "Baca lagi, bandingkan, lalu kirim dengan `If-Match` yang baru." / "Read it again, compare, and send with the new `If-Match`."
    BODY_TOO_LARGE "body_too_large" 413: "Isi terlalu besar" / "Body too large";
        "Kirim isi yang lebih kecil: satu perintah paling besar 1 MiB, kecuali pengelola menetapkan batas lain." / "Send a smaller body: a command has at most 1 MiB, unless the operator set another limit."
    URL_TOO_LONG "url_too_long" 414: "Alamat terlalu panjang" / "Address too long";
        "Pakai alamat yang lebih pendek; ulangi `cursor` apa adanya." / "Use a shorter address; send `cursor` back as it was given."
    UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" 415: "Jenis isi tidak didukung" / "Unsupported media type";
        "Kirim `Content-Type: application/json` tanpa kompresi (`Content-Encoding`)." / "Send `Content-Type: application/json`, not compressed (no `Content-Encoding`)."
    RECORD_TOO_LARGE "record_too_large" 413: "Catatan terlalu besar" / "Record too large";
        "Satu catatan dalam log paling besar 65.535 bita; persingkat isinya atau bagi menjadi beberapa permintaan." / "A record of the log has at most 65,535 bytes; shorten it or send it in several requests."
    READ_ONLY "read_only" 403: "Salinan hanya-baca" / "A read-only copy";
        "Kirim perintah ke layanan aslinya." / "Send commands to the original service."
    RANGE_NOT_SATISFIABLE "range_not_satisfiable" 416: "Bagian di luar berkas" / "Range outside the file";
        "Minta bagian dalam panjang yang disebut `Content-Range`, atau seluruh berkas." / "Ask for a range within the length that `Content-Range` names, or for the whole file."
    RULE_REFUSED "rule_refused" 422: "Aturan tidak terpenuhi" / "A rule refuses this";
        "Perbaiki hal yang disebut dalam `errors`." / "Correct what `errors` names."
    NOT_A_COMMAND "not_a_command" 422: "Bukan perintah" / "Not a command";
        "Baris kumpulan hanya untuk perintah yang mencatat sesuatu; kirim permintaan ini sendiri." / "A line of a batch is for commands that record something; send this request by itself."
    IDEMPOTENCY_KEY_REUSED "idempotency_key_reused" 422: "Kunci idempotensi dipakai untuk isi lain" / "Idempotency key reused with other content";
        "Pakai kunci baru untuk permintaan baru; kunci lama hanya untuk mengulang isi yang sama." / "Use a new key for a new request; an old key only repeats the same content."
    REGULATION_NOT_LOADED "regulation_not_loaded" 422: "Buku aturan belum dimuat" / "Rule book not loaded";
        "Pilih regulasi dari GET /v1/regulations." / "Choose a regulation from GET /v1/regulations."
    RATE_LIMITED "rate_limited" 429: "Terlalu banyak permintaan" / "Too many requests";
        "Tunggu selama `Retry-After` detik." / "Wait for `Retry-After` seconds."
    HEADERS_TOO_LARGE "headers_too_large" 431: "Kepala permintaan terlalu besar" / "Header fields too large";
        "Kirim kepala permintaan yang lebih sedikit atau lebih pendek." / "Send fewer or shorter header fields."
    INTERNAL "internal" 500: "Kesalahan di pihak kami" / "Our fault";
        "Coba lagi dengan Idempotency-Key yang sama; bila berulang, laporkan `request_id`." / "Try again with the same Idempotency-Key; if it happens again, report `request_id`."
    OVERLOADED "overloaded" 503: "Sedang sibuk" / "Busy";
        "Coba lagi setelah `Retry-After` detik dengan Idempotency-Key yang sama." / "Try again after `Retry-After` seconds with the same Idempotency-Key."
    LOG_NOT_SIGNED "log_not_signed" 503: "Log tidak ditandatangani" / "The log is not signed";
        "Log tidak melanjutkan yang pernah ditandatangani; pengelola harus memeriksanya." / "The log does not go on from what was signed before; its operator has to look at it."
    UNAVAILABLE "unavailable" 503: "Basis data tidak dapat dipakai" / "The database cannot be used";
        "Coba lagi setelah `Retry-After` detik dengan Idempotency-Key yang sama; permintaan ini tidak tercatat." / "Try again after `Retry-After` seconds with the same Idempotency-Key; this request was not recorded."
}

/// Finds a code by its name.
pub fn code(name: &str) -> Option<&'static Code> {
    ALL_CODES.iter().find(|code| code.name == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_snake_case_and_stands_once() {
        for (index, entry) in ALL_CODES.iter().enumerate() {
            assert!(entry.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", entry.name);
            assert!(ALL_CODES[..index].iter().all(|other| other.name != entry.name), "{}", entry.name);
            assert!((400..600).contains(&entry.status));
        }
    }
}
